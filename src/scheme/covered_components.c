/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/covered_components.h"

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

const whk_outcome_t *whk_covered_components_check(const whk_sf_item_t *input,
                                                  const whk_message_t *message,
                                                  const whk_scheme_policy_t *policy,
                                                  apr_pool_t *pool)
{
    const apr_array_header_t *required = policy->required_components;
    int i;

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
