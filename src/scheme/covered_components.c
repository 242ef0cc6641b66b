/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/covered_components.h"

#include <apr_strings.h>
#include <string.h>

#include "http_signature/signature_base.h"

#define CONTENT_DIGEST "content-digest"

static const whk_outcome_t *not_covered(const char *name, apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the signature must cover %s, without parameters: list it in Signature-Input",
                      name);
}

static int covers(const whk_sf_item_t *input, const char *name)
{
    return whk_signature_base_covers(input, name, 0);
}

/* Where nobody said what a signature must cover, it is the request but for its host, which not
 * every signer knows as it is called here. */
static int covers_target(const whk_sf_item_t *input, const whk_message_t *message)
{
    if (covers(input, "@target-uri") || covers(input, "@request-target"))
        return 1;
    return covers(input, "@path") && (covers(input, "@query") || !strchr(message->target, '?'));
}

static const whk_outcome_t *check_default(const whk_sf_item_t *input, const whk_message_t *message,
                                          apr_pool_t *pool)
{
    if (!covers(input, "@method"))
        return not_covered("@method", pool);
    if (!covers_target(input, message))
        return not_covered("@target-uri (or @request-target, or @path and @query)", pool);
    return covers(input, CONTENT_DIGEST) ? NULL : not_covered(CONTENT_DIGEST, pool);
}

static int is_tied(const whk_sf_item_t *input)
{
    return whk_signature_base_covers_request(input, "signature", 1) ||
           whk_signature_base_covers_request(input, CONTENT_DIGEST, 1);
}

/* `name` or `name;req`. */
static int covers_listed(const whk_sf_item_t *input, const char *listed, apr_pool_t *pool)
{
    const char *end = strchr(listed, ';');

    if (!end)
        return covers(input, listed);
    return whk_signature_base_covers_request(
        input, apr_pstrmemdup(pool, listed, (apr_size_t)(end - listed)), 1);
}

/* Whatever is asked for, it is the status and the body that go on. And an answer that covers
 * nothing of its request is one to any. */
static const whk_outcome_t *check_response(const whk_sf_item_t *input,
                                           const apr_array_header_t *required, apr_pool_t *pool)
{
    int i;

    if (!covers(input, "@status"))
        return not_covered("@status", pool);
    if (!covers(input, CONTENT_DIGEST))
        return not_covered(CONTENT_DIGEST, pool);
    if (!required && !is_tied(input))
        return whk_refuse(
            pool, WHK_MALFORMED_JWS,
            "the signature must cover something that only this request has: list "
            "\"signature\";req or \"content-digest\";req in Signature-Input, as the "
            "request had it (or have the operator set WebhookKeysResponseComponents)");
    for (i = 0; required && i < required->nelts; i++) {
        const char *listed = APR_ARRAY_IDX(required, i, const char *);

        if (!covers_listed(input, listed, pool))
            return whk_refuse(pool, WHK_MALFORMED_JWS,
                              "the signature must cover %s: list it in Signature-Input", listed);
    }
    return NULL;
}

const whk_outcome_t *whk_covered_components_check(const whk_sf_item_t *input,
                                                  const whk_message_t *message,
                                                  const whk_scheme_policy_t *policy,
                                                  apr_pool_t *pool)
{
    const apr_array_header_t *required = policy->required_components;
    int i;

    if (message->status)
        return check_response(input, required, pool);
    if (!required)
        return check_default(input, message, pool);
    /* Whoever leaves it out means requests without a body. */
    if (policy->body_is_taken && message->length && !covers(input, CONTENT_DIGEST))
        return not_covered(CONTENT_DIGEST, pool);
    for (i = 0; i < required->nelts; i++) {
        const char *name = APR_ARRAY_IDX(required, i, const char *);

        if (!covers(input, name))
            return not_covered(name, pool);
    }
    return NULL;
}
