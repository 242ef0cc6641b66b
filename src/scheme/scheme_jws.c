/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "http_signature/field_value.h"
#include "scheme/claims.h"
#include "scheme/jws_message.h"

#define PAYLOAD_PLACE "the payload of the JWS"

typedef struct {
    whk_jws_t *jws;
    int is_jwt; /* sent as one */
} state_t;

/* A media type (RFC 9110, section 8.3.1) without its parameters, in lower case. */
static const char *media_type_of(const whk_message_t *message, apr_pool_t *pool)
{
    const apr_array_header_t *values = message->field(message->baton, "Content-Type", pool);
    const char *value;
    char *type;
    char *c;

    if (!values || values->nelts != 1)
        return "";
    value = APR_ARRAY_IDX(values, 0, const char *);
    type = apr_pstrndup(pool, value, strcspn(value, "; \t"));
    for (c = type; *c; c++)
        *c = (char)apr_tolower(*c);
    return type;
}

static const whk_outcome_t *find_type(int *is_jwt, const whk_message_t *message, apr_pool_t *pool)
{
    const char *type = media_type_of(message, pool);

    *is_jwt = strcmp(type, "application/jwt") == 0;
    if (*is_jwt || strcmp(type, "application/jose") == 0)
        return NULL;
    return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                      "the body must be a JWS in compact form, sent as Content-Type: "
                      "application/jwt, or application/jose where its payload is no JWT's");
}

static int may_be_object(const whk_bytes_t *payload)
{
    const char *text = payload->bytes;
    apr_size_t i = 0;

    while (i < payload->length && apr_isspace(text[i]))
        i++;
    return i < payload->length && text[i] == '{';
}

/* Nobody signed the Content-Type: so what a payload says of its times holds under either, lest a
 * JWT that is too old be sent again as application/jose. `claims` stays NULL where there are none.
 */
static const whk_outcome_t *read_payload(const json_t **claims, const state_t *state,
                                         apr_pool_t *pool)
{
    const whk_bytes_t *payload = &state->jws->payload;
    const whk_outcome_t *outcome;

    if (state->is_jwt)
        return whk_jws_message_claims(claims, state->jws, PAYLOAD_PLACE, pool);
    if (payload->length > WHK_CLAIMS_MAX || !may_be_object(payload))
        return NULL;
    outcome = whk_jws_parse_object(claims, payload, PAYLOAD_PLACE, pool);
    return outcome && outcome->code != WHK_MALFORMED_JWS ? outcome : NULL;
}

/* What holds the hash of a body was signed to go beside that, in a header: the scheme jwt. */
static const whk_outcome_t *check_no_hash(const whk_scheme_policy_t *policy, const json_t *claims,
                                          apr_pool_t *pool)
{
    const char *claim = policy->body_hash_claim ? policy->body_hash_claim : WHK_BODY_HASH_CLAIM;

    if (!json_object_get(claims, claim))
        return NULL;
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the claim %s says that this token goes in a header, beside the body whose "
                      "hash it is: it is no body itself",
                      claim);
}

static const whk_outcome_t *verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const state_t *state = message->state;
    const char *header_jti = message->jti;
    const json_t *claims = NULL;
    const char *name;

    WHK_TRY(whk_jws_verify(state->jws, jwk, enabled, &name, pool));
    WHK_TRY(read_payload(&claims, state, pool));
    if (claims) {
        WHK_TRY(whk_claims_read(message, claims, PAYLOAD_PLACE, state->is_jwt, pool));
        WHK_TRY(check_no_hash(&message->policy, claims, pool));
    }
    whk_jws_message_name(message, state->jws, pool);
    if (message->jti && !header_jti)
        whk_jws_message_name_detached(message, state->jws, pool);
    *algorithm = name;
    return NULL;
}

/* A JWT whose header has no typ is told from a detached JWS by its times, which are in its claims.
 * Where they may be missing, only the claims themselves are left to tell. */
static const whk_outcome_t *check_no_token(const whk_signed_message_t *message,
                                           const whk_bytes_t *payload, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;
    const json_t *claims;

    if (message->signed_at || message->expires || payload->length > WHK_CLAIMS_MAX ||
        !may_be_object(payload))
        return NULL;
    outcome = whk_jws_parse_object(&claims, payload, PAYLOAD_PLACE, pool);
    if (outcome)
        return outcome->code == WHK_MALFORMED_JWS ? NULL : outcome;
    return check_no_hash(&message->policy, claims, pool);
}

static const whk_outcome_t *verify_detached(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                            whk_algorithms_t enabled, const char **algorithm,
                                            apr_pool_t *pool)
{
    const whk_jws_t *jws = message->state;
    const char *name;

    WHK_TRY(whk_jws_verify(jws, jwk, enabled, &name, pool));
    WHK_TRY(check_no_token(message, &jws->payload, pool));
    whk_jws_message_name(message, jws, pool);
    *algorithm = name;
    return NULL;
}

static const whk_outcome_t *verify_alone(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                         whk_algorithms_t enabled, const char **algorithm,
                                         apr_pool_t *pool)
{
    const whk_jws_t *jws = message->state;

    WHK_TRY(whk_jws_verify(jws, jwk, enabled, algorithm, pool));
    whk_jws_message_name(message, jws, pool);
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify, NULL};
static const whk_scheme_verifier_t detached_verifier = {verify_detached, NULL};
static const whk_scheme_verifier_t alone_verifier = {verify_alone, NULL};

/* RFC 8725, section 3.11: what was made as one kind of token is none of another. */
static const whk_outcome_t *check_type(const whk_jws_t *jws, int may_be_jwt, apr_pool_t *pool)
{
    if (may_be_jwt || jws->type != WHK_JWS_TYPE_JWT)
        return NULL;
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the typ of the JWS header says that this is a JWT, and here it is used as "
                      "another kind of JWS: leave typ out, or name another type");
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    state_t *state = apr_pcalloc(pool, sizeof(*state));
    whk_signed_message_t *read = whk_signed_message_make(policy, &verifier, state, pool);

    WHK_TRY(find_type(&state->is_jwt, message, pool));
    WHK_TRY(whk_jws_parse(&state->jws, message->body, message->length, NULL, pool));
    WHK_TRY(check_type(state->jws, state->is_jwt, pool));
    read->needs_time = state->is_jwt || !policy->allows_undated;
    read->has_claims = 1;
    WHK_TRY(whk_jws_message_describe(read, state->jws, pool));
    *parsed = read;
    return NULL;
}

static const whk_outcome_t *parse_alone(whk_signed_message_t **parsed,
                                        const whk_scheme_policy_t *policy,
                                        const whk_scheme_verifier_t *by, whk_jws_t *jws,
                                        apr_pool_t *pool)
{
    *parsed = whk_signed_message_make(policy, by, jws, pool);
    return whk_jws_message_describe(*parsed, jws, pool);
}

static int has_no_payload(const char *jws, apr_size_t length)
{
    const char *dot = memchr(jws, '.', length);

    return dot && dot + 1 < jws + length && dot[1] == '.';
}

const whk_outcome_t *whk_signed_message_parse_jws(whk_signed_message_t **parsed, const char *jws,
                                                  apr_size_t jws_length, const char *payload,
                                                  apr_size_t payload_length, apr_pool_t *pool)
{
    static const whk_scheme_policy_t none = {NULL};
    whk_bytes_t detached = {payload ? payload : "", payload ? payload_length : 0};
    int is_detached = payload || has_no_payload(jws, jws_length);
    whk_jws_t *read;

    WHK_TRY(whk_jws_parse(&read, jws, jws_length, is_detached ? &detached : NULL, pool));
    return parse_alone(parsed, &none, &alone_verifier, read, pool);
}

static const whk_outcome_t *parse_detached(whk_signed_message_t **parsed,
                                           const whk_message_t *message,
                                           const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_bytes_t body = {message->body, message->length};
    const char *value;
    whk_jws_t *jws;

    WHK_TRY(whk_field_only(&value, message, policy->header, pool));
    WHK_TRY(whk_jws_parse(&jws, value, strlen(value), &body, pool));
    WHK_TRY(check_type(jws, 0, pool));
    WHK_TRY(parse_alone(parsed, policy, &detached_verifier, jws, pool));
    (*parsed)->needs_time = !policy->allows_undated;
    return NULL;
}

const whk_scheme_t whk_scheme_jws = {"jws", 0, NULL, parse};
const whk_scheme_t whk_scheme_jws_detached = {"jws-detached", 1, NULL, parse_detached};
