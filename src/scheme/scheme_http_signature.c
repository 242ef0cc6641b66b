/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "http_signature/content_digest.h"
#include "http_signature/field_value.h"
#include "http_signature/http_signature_algorithm.h"
#include "http_signature/signature_base.h"
#include "http_signature/structured_field.h"
#include "jose/signature.h"
#include "scheme/covered_components.h"
#include "scheme/http_signature_sign.h"
#include "scheme/scheme.h"

/* The last second of the year 9999, which milliseconds since 1970 are far beyond. */
#define SECONDS_MAX APR_INT64_C(253402300799)

typedef struct {
    whk_message_t message;                /* what it points to is borrowed */
    const apr_array_header_t *inputs;     /* Signature-Input: whk_sf_pair_t */
    const apr_array_header_t *signatures; /* Signature: whk_sf_pair_t */
    const apr_array_header_t *candidates; /* const whk_sf_pair_t *, of `inputs`, one for each kid */
    const char *base;
    const char *alg; /* NULL: not said */
    whk_bytes_t signature;
    const whk_content_digest_t *digest; /* NULL: not covered */
} http_signature_t;

static const whk_outcome_t *malformed(apr_pool_t *pool, const char *message)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS, "%s", message);
}

static const whk_outcome_t *bad_signature(const http_signature_t *signature, const whk_jwk_t *jwk,
                                          whk_algorithm_t algorithm, apr_pool_t *pool)
{
    const char *wrong =
        whk_signature_wrong_length(jwk, algorithm, signature->signature.length, pool);

    if (wrong)
        return whk_refuse(pool, WHK_BAD_SIGNATURE, "%s", wrong);
    return whk_refuse(pool, WHK_BAD_SIGNATURE,
                      "the signature does not fit this key and the components that are covered, as "
                      "they arrived: sign the signature base of RFC 9421 with the private key of "
                      "this keyId, and send unchanged what was signed");
}

static const whk_outcome_t *verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const http_signature_t *signature = message->state;
    whk_bytes_t base = {signature->base, strlen(signature->base)};
    whk_algorithm_t own;

    WHK_TRY(whk_http_signature_algorithm(&own, jwk, signature->alg, enabled, pool));
    if (!whk_signature_verify(jwk, own, &base, 1, signature->signature.bytes,
                              signature->signature.length, pool))
        return bad_signature(signature, jwk, own, pool);
    if (signature->digest) {
        whk_bytes_t body = {signature->message.body, signature->message.length};

        WHK_TRY(whk_content_digest_check(signature->digest, &body, pool));
    }
    *algorithm = whk_algorithms_names(pool, own);
    return NULL;
}

static const whk_outcome_t *read_time(apr_time_t *time, const whk_sf_item_t *input,
                                      const char *name, apr_pool_t *pool)
{
    const whk_sf_item_t *item = whk_sf_find(input->parameters, name);

    if (!item)
        return NULL;
    if (item->type != WHK_SF_INTEGER || item->number < 1 || item->number > SECONDS_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "%s of Signature-Input must be a whole number of seconds since "
                          "1970-01-01T00:00:00Z, not of milliseconds, and no text",
                          name);
    *time = apr_time_from_sec(item->number);
    return NULL;
}

static const whk_outcome_t *read_text(const char **text, const whk_sf_item_t *input,
                                      const char *name, apr_pool_t *pool)
{
    const whk_sf_item_t *item = whk_sf_find(input->parameters, name);

    if (!item)
        return NULL;
    if (item->type != WHK_SF_STRING || !*item->text)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "%s of Signature-Input must be a string in quotes that is not empty",
                          name);
    *text = item->text;
    return NULL;
}

static const whk_outcome_t *read_parameters(whk_signed_message_t *read, http_signature_t *signature,
                                            const whk_sf_item_t *input, apr_pool_t *pool)
{
    const char *nonce = NULL;

    WHK_TRY(read_time(&read->signed_at, input, "created", pool));
    WHK_TRY(read_time(&read->expires, input, "expires", pool));
    WHK_TRY(read_text(&read->kid, input, "keyid", pool));
    WHK_TRY(read_text(&nonce, input, "nonce", pool));
    return read_text(&signature->alg, input, "alg", pool);
}

/* The text of a parameter of a member that may be anybody's; NULL: it has none. */
static const char *text_of(const whk_sf_item_t *input, const char *name)
{
    const whk_sf_item_t *item =
        input && input->type == WHK_SF_INNER_LIST ? whk_sf_find(input->parameters, name) : NULL;

    return item && item->type == WHK_SF_STRING && *item->text ? item->text : NULL;
}

static void add_replay_id(whk_signed_message_t *read, const whk_sf_item_t *input,
                          const whk_sf_item_t *bytes, apr_pool_t *pool)
{
    const char *nonce = text_of(input, "nonce");

    if (nonce)
        whk_signed_message_add_replay_id(read, apr_pstrcat(pool, "nonce:", nonce, NULL), pool);
    else if (bytes->type == WHK_SF_BYTES && bytes->length)
        whk_signed_message_add_replay_id(
            read, whk_signature_replay_id(bytes->bytes, bytes->length, pool), pool);
}

/* Those of the others too: the message must not come again as another one when signatures are taken
 * away from it, so that another of them counts. */
static void add_replay_ids(whk_signed_message_t *read, const whk_sf_pair_t *input,
                           const whk_sf_item_t *bytes, apr_pool_t *pool)
{
    const http_signature_t *signature = read->state;
    int i;

    add_replay_id(read, &input->value, bytes, pool);
    for (i = 0; i < signature->signatures->nelts; i++) {
        const whk_sf_pair_t *other = &APR_ARRAY_IDX(signature->signatures, i, whk_sf_pair_t);

        add_replay_id(read, whk_sf_find(signature->inputs, other->key), &other->value, pool);
    }
}

static const whk_outcome_t *read_bytes(const whk_sf_item_t **bytes,
                                       const http_signature_t *signature,
                                       const whk_sf_pair_t *input, apr_pool_t *pool)
{
    *bytes = whk_sf_find(signature->signatures, input->key);
    if (!*bytes)
        return malformed(pool, "Signature-Input and Signature must have the same label");
    if (input->value.type != WHK_SF_INNER_LIST)
        return malformed(pool,
                         "Signature-Input must hold a list of components: "
                         "<label>=(\"@method\" \"@target-uri\" \"content-digest\");created=…");
    if ((*bytes)->type != WHK_SF_BYTES || (*bytes)->parameters->nelts || !(*bytes)->length)
        return malformed(pool, "Signature must hold the signature in base64 between colons: "
                               "<label>=:<base64>:");
    return NULL;
}

/* Read the signature that counts. */
static const whk_outcome_t *take(whk_signed_message_t *read, const whk_sf_pair_t *input,
                                 apr_pool_t *pool)
{
    http_signature_t *signature = read->state;
    const whk_message_t *message = &signature->message;
    const whk_sf_item_t *bytes;

    WHK_TRY(read_bytes(&bytes, signature, input, pool));
    signature->signature = (whk_bytes_t){bytes->bytes, bytes->length};
    WHK_TRY(read_parameters(read, signature, &input->value, pool));
    WHK_TRY(whk_signature_base(&signature->base, message, &input->value, pool));
    WHK_TRY(whk_covered_components_check(&input->value, message, &read->policy, pool));
    if (whk_signature_base_covers(&input->value, "content-digest", 1))
        WHK_TRY(whk_content_digest_read(&signature->digest, message, pool));
    add_replay_ids(read, input, bytes, pool);
    return NULL;
}

static const whk_outcome_t *select_input(whk_signed_message_t *message, int index, apr_pool_t *pool)
{
    const http_signature_t *signature = message->state;

    return take(message, APR_ARRAY_IDX(signature->candidates, index, const whk_sf_pair_t *), pool);
}

static const whk_scheme_verifier_t verifier = {verify, select_input};

static const whk_outcome_t *read_members(const apr_array_header_t **members,
                                         const whk_message_t *message, const char *name,
                                         apr_pool_t *pool)
{
    WHK_TRY(whk_field_dictionary(members, message, name, pool));
    if (!*members || !(*members)->nelts)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                          "the header %s is missing: a signature needs both Signature-Input and "
                          "Signature (RFC 9421)",
                          name);
    if ((*members)->nelts > WHK_SIGNATURES_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "the header %s holds more than %d signatures",
                          name, WHK_SIGNATURES_MAX);
    return NULL;
}

static const whk_outcome_t *take_tagged(whk_signed_message_t *read, apr_pool_t *pool)
{
    const http_signature_t *signature = read->state;
    const whk_sf_pair_t *found = NULL;
    int i;

    for (i = 0; i < signature->inputs->nelts; i++) {
        const whk_sf_pair_t *input = &APR_ARRAY_IDX(signature->inputs, i, whk_sf_pair_t);
        const char *tag = text_of(&input->value, "tag");

        if (!tag || strcmp(tag, read->policy.signature_tag) != 0)
            continue;
        if (found)
            return malformed(pool, "several signatures have the tag that is asked for here: send "
                                   "one with it");
        found = input;
    }
    if (!found)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                          "no signature has the tag that is asked for here: add it to "
                          "Signature-Input, as ;tag=\"…\", and sign with it");
    return take(read, found, pool);
}

static const whk_outcome_t *list_candidates(whk_signed_message_t *read, apr_pool_t *pool)
{
    http_signature_t *signature = read->state;
    apr_array_header_t *kids = apr_array_make(pool, WHK_SIGNATURES_MAX, sizeof(const char *));
    apr_array_header_t *candidates = apr_array_make(pool, WHK_SIGNATURES_MAX, sizeof(void *));
    int i;

    for (i = 0; i < signature->inputs->nelts; i++) {
        const whk_sf_pair_t *input = &APR_ARRAY_IDX(signature->inputs, i, whk_sf_pair_t);
        const char *kid = text_of(&input->value, "keyid");

        if (!kid)
            continue;
        APR_ARRAY_PUSH(kids, const char *) = kid;
        APR_ARRAY_PUSH(candidates, const whk_sf_pair_t *) = input;
    }
    if (!kids->nelts)
        return whk_refuse(pool, WHK_UNKNOWN_KEY,
                          "none of several signatures names its key: add keyid, the keyId that was "
                          "registered");
    read->kids = kids;
    signature->candidates = candidates;
    return NULL;
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    http_signature_t *signature = apr_pcalloc(pool, sizeof(*signature));
    whk_signed_message_t *read = whk_signed_message_create(policy, &verifier, signature, pool);

    signature->message = *message;
    read->needs_time = 1;
    *parsed = read;
    WHK_TRY(read_members(&signature->inputs, message, "Signature-Input", pool));
    WHK_TRY(read_members(&signature->signatures, message, "Signature", pool));
    if (policy->signature_tag)
        return take_tagged(read, pool);
    if (signature->inputs->nelts == 1)
        return take(read, &APR_ARRAY_IDX(signature->inputs, 0, whk_sf_pair_t), pool);
    return list_candidates(read, pool);
}

const whk_scheme_t whk_scheme_http_signature = {"http-signature", 0, "Signature-Input", parse,
                                                whk_http_signature_sign};
