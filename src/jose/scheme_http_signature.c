#include <string.h>

#include <apr_strings.h>

#include "jose/content_digest.h"
#include "jose/field_value.h"
#include "jose/http_signature_algorithm.h"
#include "jose/signature.h"
#include "jose/signature_base.h"
#include "jose/signature_form.h"
#include "jose/signed_message.h"
#include "jose/structured_field.h"

/* The last second of the year 9999, which milliseconds since 1970 are far beyond. */
#define SECONDS_MAX APR_INT64_C(253402300799)

#define CONTENT_DIGEST "content-digest"

typedef struct {
    whk_bytes_t body; /* borrowed */
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
                                          whk_algorithm_t algorithm, const char *name,
                                          apr_pool_t *pool)
{
    apr_size_t right = whk_signature_form_length(algorithm, EVP_PKEY_get_size(jwk->pkey));
    int is_ecdsa = strcmp(jwk->family, "ECDSA") == 0;

    if (signature->signature.length != right)
        return whk_refuse(pool, WHK_BAD_SIGNATURE,
                          "a signature by %s with this key has %d bytes%s, and this one has %d",
                          name, (int)right, is_ecdsa ? ", r and s, not DER" : "",
                          (int)signature->signature.length);
    return whk_refuse(pool, WHK_BAD_SIGNATURE,
                      "the signature does not fit this key and the components that are covered, as "
                      "they arrived: sign the signature base of RFC 9421 with the private key of "
                      "this keyId, and send unchanged what was signed");
}

static const whk_outcome_t *verify(const whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const http_signature_t *signature = message->state;
    whk_bytes_t base = {signature->base, strlen(signature->base)};
    whk_algorithm_t own;
    const char *name;

    WHK_TRY(whk_http_signature_algorithm(&own, jwk, signature->alg, enabled, pool));
    name = whk_algorithms_names(pool, own);
    if (!whk_signature_verify(jwk, own, &base, 1, signature->signature.bytes,
                              signature->signature.length, pool))
        return bad_signature(signature, jwk, own, name, pool);
    if (signature->digest)
        WHK_TRY(whk_content_digest_check(signature->digest, &signature->body, pool));
    *algorithm = name;
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify};

/* Of several signatures, which one counts would be a matter of taste: and taste differs between
 * here and the backend. */
static const whk_outcome_t *read_member(const whk_sf_pair_t **member, const whk_message_t *message,
                                        const char *name, apr_pool_t *pool)
{
    const apr_array_header_t *members;

    WHK_TRY(whk_field_dictionary(&members, message, name, pool));
    if (!members || !members->nelts)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                          "the header %s is missing: a signature needs both Signature-Input and "
                          "Signature (RFC 9421)",
                          name);
    if (members->nelts > 1)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "the header %s holds several signatures: send one signature", name);
    *member = &APR_ARRAY_IDX(members, 0, whk_sf_pair_t);
    return NULL;
}

static const whk_outcome_t *read_signature(http_signature_t *signature, const whk_sf_item_t **input,
                                           const whk_message_t *message, apr_pool_t *pool)
{
    const whk_sf_pair_t *inputs;
    const whk_sf_pair_t *bytes;

    WHK_TRY(read_member(&inputs, message, "Signature-Input", pool));
    WHK_TRY(read_member(&bytes, message, "Signature", pool));
    if (strcmp(inputs->key, bytes->key) != 0)
        return malformed(pool, "Signature-Input and Signature must have the same label");
    if (inputs->value.type != WHK_SF_INNER_LIST)
        return malformed(pool,
                         "Signature-Input must hold a list of components: "
                         "<label>=(\"@method\" \"@target-uri\" \"content-digest\");created=…");
    if (bytes->value.type != WHK_SF_BYTES || bytes->value.parameters->nelts || !bytes->value.length)
        return malformed(pool, "Signature must hold the signature in base64 between colons: "
                               "<label>=:<base64>:");
    signature->signature = (whk_bytes_t){bytes->value.bytes, bytes->value.length};
    *input = &inputs->value;
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
    WHK_TRY(read_time(&read->signed_at, input, "created", pool));
    WHK_TRY(read_time(&read->expires, input, "expires", pool));
    WHK_TRY(read_text(&read->kid, input, "keyid", pool));
    WHK_TRY(read_text(&read->replay_id, input, "nonce", pool));
    WHK_TRY(read_text(&signature->alg, input, "alg", pool));
    if (!read->replay_id)
        read->replay_id =
            whk_signature_replay_id(signature->signature.bytes, signature->signature.length, pool);
    return NULL;
}

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

static const whk_outcome_t *check_covered(const whk_sf_item_t *input, const whk_message_t *message,
                                          const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    const apr_array_header_t *required = policy->required_components;
    int i;

    if (!required)
        return check_default(input, message, pool);
    for (i = 0; i < required->nelts; i++) {
        const char *name = APR_ARRAY_IDX(required, i, const char *);

        if (!covers(input, name))
            return not_covered(name, pool);
    }
    return NULL;
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_signed_message_t *read = apr_pcalloc(pool, sizeof(*read));
    http_signature_t *signature = apr_pcalloc(pool, sizeof(*signature));
    const whk_sf_item_t *input;

    signature->body = (whk_bytes_t){message->body, message->length};
    read->needs_time = 1;
    read->verifier = &verifier;
    read->state = signature;
    WHK_TRY(read_signature(signature, &input, message, pool));
    WHK_TRY(read_parameters(read, signature, input, pool));
    WHK_TRY(whk_signature_base(&signature->base, message, input, pool));
    WHK_TRY(check_covered(input, message, policy, pool));
    if (whk_signature_base_covers(input, CONTENT_DIGEST, 1))
        WHK_TRY(whk_content_digest_read(&signature->digest, message, pool));
    *parsed = read;
    return NULL;
}

const whk_scheme_t whk_scheme_http_signature = {"http-signature", 0, parse};
