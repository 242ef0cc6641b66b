#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "jose/signature.h"
#include "jose/signature_base.h"

/* The last second of the year 9999. */
#define SECONDS_MAX APR_INT64_C(253402300799)

typedef struct {
    const char *base;
    whk_sf_value_t signature;
    const char *alg;            /* NULL: not claimed */
    const char *content_digest; /* NULL: not covered */
    const char *body;           /* borrowed */
    apr_size_t length;
} message_signature_t;

/* RFC 9421, section 6.2.2. */
static const struct {
    const char *name;
    whk_algorithm_t algorithm;
} algorithms[] = {
    {"ed25519", WHK_ALG_EDDSA},           {"ecdsa-p256-sha256", WHK_ALG_ES256},
    {"ecdsa-p384-sha384", WHK_ALG_ES384}, {"rsa-v1_5-sha256", WHK_ALG_RS256},
    {"rsa-pss-sha512", WHK_ALG_PS512},
};

static whk_algorithms_t algorithm_of(const char *alg)
{
    apr_size_t i;

    for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (!strcmp(algorithms[i].name, alg))
            return algorithms[i].algorithm;
    return 0;
}

static const whk_outcome_t *choose(whk_algorithms_t *chosen, const message_signature_t *signature,
                                   const whk_jwk_t *jwk, whk_algorithms_t enabled, apr_pool_t *pool)
{
    whk_algorithms_t good = jwk->algorithms & enabled;

    *chosen = signature->alg ? good & algorithm_of(signature->alg) : good;
    if (*chosen && !(*chosen & (*chosen - 1)))
        return NULL;
    if (*chosen)
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                          "this key is good for several algorithms (%s): name the one that was "
                          "used by the parameter alg, rsa-pss-sha512 or rsa-v1_5-sha256",
                          whk_algorithms_names(pool, *chosen));
    return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                      "the parameter alg of Signature-Input is not that of this key, or is not "
                      "turned on here: sign with %s",
                      good ? whk_algorithms_names(pool, good) : "a key of another kind");
}

/* RFC 9530, section 5. 1: good; 0: wrong; -1: not one that must be known. */
static int judge_digest(const whk_sf_member_t *digest, const message_signature_t *signature)
{
    const EVP_MD *md = NULL;
    unsigned char actual[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!strcmp(digest->name, "sha-256"))
        md = EVP_sha256();
    else if (!strcmp(digest->name, "sha-512"))
        md = EVP_sha512();
    if (!md)
        return -1;
    return !digest->list && digest->value.type == WHK_SF_BYTES &&
           EVP_Digest(signature->body, signature->length, actual, &size, md, NULL) == 1 &&
           digest->value.length == size && !CRYPTO_memcmp(digest->value.text, actual, size);
}

static const whk_outcome_t *check_digest(const message_signature_t *signature, apr_pool_t *pool)
{
    const apr_array_header_t *digests;
    int good = 0;
    int i;

    if (!signature->content_digest)
        return NULL;
    digests = whk_sf_dictionary(signature->content_digest, pool);
    for (i = 0; digests && i < digests->nelts; i++) {
        int judged = judge_digest(&APR_ARRAY_IDX(digests, i, whk_sf_member_t), signature);

        if (judged == 0)
            return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                              "Content-Digest is not that of the body that arrived: hash the very "
                              "bytes that are sent");
        good += judged > 0;
    }
    if (good)
        return NULL;
    return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                      "Content-Digest must hold sha-256=:<base64>: or sha-512=:<base64>: of the "
                      "body");
}

static const whk_outcome_t *verify(const whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const message_signature_t *signature = message->state;
    whk_bytes_t base = {signature->base, strlen(signature->base)};
    whk_algorithms_t chosen;

    WHK_TRY(choose(&chosen, signature, jwk, enabled, pool));
    if (!whk_signature_verify(jwk, (whk_algorithm_t)chosen, &base, 1,
                              (const unsigned char *)signature->signature.text,
                              signature->signature.length, pool))
        return whk_refuse(pool, WHK_BAD_SIGNATURE,
                          "the signature does not fit this key and the components that "
                          "Signature-Input lists, as they arrived");
    WHK_TRY(check_digest(signature, pool));
    *algorithm = whk_algorithms_names(pool, chosen);
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify};

static const whk_outcome_t *malformed(apr_pool_t *pool, const char *message)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS, "%s", message);
}

/* The one member of a field that holds one. */
static const whk_outcome_t *read_only_member(const whk_sf_member_t **member,
                                             const whk_message_t *message, const char *name,
                                             apr_pool_t *pool)
{
    const char *value = whk_signature_base_field(message, name, pool);
    const apr_array_header_t *members;

    if (!value)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING, "the header %s is missing", name);
    members = whk_sf_dictionary(value, pool);
    if (!members)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "%s must be a dictionary of structured fields (RFC 8941), each name once",
                          name);
    if (members->nelts != 1)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "%s must hold one signature, not several", name);
    *member = &APR_ARRAY_IDX(members, 0, whk_sf_member_t);
    return NULL;
}

static const whk_outcome_t *read_time(const whk_sf_member_t *input, const char *name,
                                      apr_time_t *time, apr_pool_t *pool)
{
    const whk_sf_value_t *value = whk_sf_parameter(input->parameters, name);

    if (!value)
        return NULL;
    if (value->type != WHK_SF_INTEGER || value->number < 1 || value->number > SECONDS_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "the parameter %s must be a whole number of seconds since "
                          "1970-01-01T00:00:00Z",
                          name);
    *time = apr_time_from_sec(value->number);
    return NULL;
}

static const whk_outcome_t *read_text(const whk_sf_member_t *input, const char *name,
                                      const char **text, apr_pool_t *pool)
{
    const whk_sf_value_t *value = whk_sf_parameter(input->parameters, name);

    if (!value)
        return NULL;
    if (value->type != WHK_SF_STRING || !value->length)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "the parameter %s must be a string in quotes",
                          name);
    *text = value->text;
    return NULL;
}

static int covers_target(const whk_sf_member_t *input, const whk_message_t *message)
{
    return whk_signature_base_covers(input, "@target-uri") ||
           whk_signature_base_covers(input, "@request-target") ||
           (whk_signature_base_covers(input, "@path") &&
            (!strchr(message->target, '?') || whk_signature_base_covers(input, "@query")));
}

static const whk_outcome_t *uncovered(apr_pool_t *pool, const char *name)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the signature must cover %s: add it to Signature-Input", name);
}

static const whk_outcome_t *check_covered(const whk_sf_member_t *input,
                                          const whk_message_t *message,
                                          const apr_array_header_t *required, apr_pool_t *pool)
{
    int i;

    for (i = 0; required && i < required->nelts; i++)
        if (!whk_signature_base_covers(input, APR_ARRAY_IDX(required, i, const char *)))
            return uncovered(pool, APR_ARRAY_IDX(required, i, const char *));
    if (required)
        return NULL;
    if (!whk_signature_base_covers(input, "@method"))
        return uncovered(pool, "@method");
    if (!covers_target(input, message))
        return uncovered(pool, "@target-uri, @request-target, or @path and @query");
    return whk_signature_base_covers(input, "content-digest") ? NULL
                                                              : uncovered(pool, "content-digest");
}

static const whk_outcome_t *read_input(whk_signed_message_t *read, message_signature_t *signature,
                                       const whk_sf_member_t *input, const whk_message_t *message,
                                       const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    if (!input->list)
        return malformed(pool, "Signature-Input must list components: label=(\"@method\" …)");
    WHK_TRY(read_time(input, "created", &read->signed_at, pool));
    WHK_TRY(read_time(input, "expires", &read->expires, pool));
    WHK_TRY(read_text(input, "nonce", &read->replay_id, pool));
    WHK_TRY(read_text(input, "keyid", &read->kid, pool));
    WHK_TRY(read_text(input, "alg", &signature->alg, pool));
    WHK_TRY(check_covered(input, message, policy->required_components, pool));
    if (whk_signature_base_covers(input, "content-digest"))
        signature->content_digest = whk_signature_base_field(message, "content-digest", pool);
    return whk_signature_base(&signature->base, input, message, pool);
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_signed_message_t *read = apr_pcalloc(pool, sizeof(*read));
    message_signature_t *signature = apr_pcalloc(pool, sizeof(*signature));
    const whk_sf_member_t *input;
    const whk_sf_member_t *value;

    WHK_TRY(read_only_member(&input, message, "Signature-Input", pool));
    WHK_TRY(read_only_member(&value, message, "Signature", pool));
    if (strcmp(input->name, value->name) != 0)
        return malformed(pool, "Signature-Input and Signature must have the same label");
    if (value->list || value->value.type != WHK_SF_BYTES || !value->value.length)
        return malformed(pool, "Signature must be label=:<base64>:");
    signature->signature = value->value;
    signature->body = message->body;
    signature->length = message->length;
    WHK_TRY(read_input(read, signature, input, message, policy, pool));
    if (!read->replay_id)
        read->replay_id = whk_signature_replay_id((const unsigned char *)value->value.text,
                                                  value->value.length, pool);
    read->needs_time = 1;
    read->verifier = &verifier;
    read->state = signature;
    *parsed = read;
    return NULL;
}

const whk_scheme_t whk_scheme_http_signature = {"http-signature", 0, parse};
