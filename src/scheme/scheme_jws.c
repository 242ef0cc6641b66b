/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "scheme/claims.h"
#include "scheme/jws_message.h"
#include "scheme/scheme.h"

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

/* What a response is coded by, its reader decodes: into other bytes than were signed. */
static const whk_outcome_t *check_coding(const whk_message_t *message, apr_pool_t *pool)
{
    const apr_array_header_t *codings =
        message->status ? message->field(message->baton, "Content-Encoding", pool) : NULL;

    if (!codings || !codings->nelts ||
        (codings->nelts == 1 && !strcasecmp(APR_ARRAY_IDX(codings, 0, const char *), "identity")))
        return NULL;
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the body must be the JWS itself: send it without Content-Encoding");
}

/* Nobody signed the Content-Type: so what a payload says of its times holds under either, or a
 * JWT that is too old could be sent again as application/jose. `claims` stays NULL where there are
 * none. */
static const whk_outcome_t *read_payload(const json_t **claims, const state_t *state,
                                         apr_pool_t *pool)
{
    const whk_bytes_t *payload = &state->jws->payload;
    const whk_outcome_t *outcome;

    if (state->is_jwt)
        return whk_jws_message_read_claims(claims, state->jws, WHK_JWS_PAYLOAD_PLACE, pool);
    if (!whk_jws_message_may_be_claims(payload))
        return NULL;
    outcome = whk_jws_parse_object(claims, payload, WHK_JWS_PAYLOAD_PLACE, pool);
    return outcome && outcome->code != WHK_MALFORMED_JWS ? outcome : NULL;
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
        message->claims = state->jws->payload;
        WHK_TRY(whk_claims_read(message, claims, WHK_JWS_PAYLOAD_PLACE, state->is_jwt, pool));
        WHK_TRY(whk_jws_message_check_no_body_hash(&message->policy, claims, pool));
    }
    whk_jws_message_add_replay_id(message, state->jws, pool);
    if (message->jti && !header_jti)
        whk_jws_message_add_detached_replay_id(message, state->jws, pool);
    *algorithm = name;
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify, NULL};

static const whk_outcome_t *parse_body(whk_signed_message_t **parsed, const whk_message_t *message,
                                       int is_jwt, const whk_scheme_policy_t *policy,
                                       apr_pool_t *pool)
{
    state_t *state = apr_pcalloc(pool, sizeof(*state));
    whk_signed_message_t *read = whk_signed_message_create(policy, &verifier, state, pool);

    state->is_jwt = is_jwt;
    WHK_TRY(whk_jws_parse(&state->jws, message->body, message->length, NULL, pool));
    WHK_TRY(whk_jws_message_check_type(state->jws, state->is_jwt, pool));
    read->needs_time = state->is_jwt || !policy->allows_undated;
    read->has_claims = 1;
    WHK_TRY(whk_jws_message_read_header(read, state->jws, pool));
    *parsed = read;
    return NULL;
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    int is_jwt;

    WHK_TRY(check_coding(message, pool));
    WHK_TRY(find_type(&is_jwt, message, pool));
    return parse_body(parsed, message, is_jwt, policy, pool);
}

/* Whatever it is sent as: nobody signed the Content-Type, and what must be a JWT is read as one. */
static const whk_outcome_t *parse_jwt(whk_signed_message_t **parsed, const whk_message_t *message,
                                      const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    WHK_TRY(check_coding(message, pool));
    if (!message->length)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING, "the body must be a JWT, and is empty");
    return parse_body(parsed, message, 1, policy, pool);
}

const whk_scheme_t whk_scheme_jws = {"jws", 0, NULL, parse, NULL};
const whk_scheme_t whk_scheme_jwt_body = {"jwt", 0, NULL, parse_jwt, NULL};
