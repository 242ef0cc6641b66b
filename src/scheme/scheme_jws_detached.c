/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "http_signature/field_value.h"
#include "scheme/jws_message.h"
#include "scheme/scheme.h"

/* A JWT whose header has no typ is told from a detached JWS by its times, which are in its claims.
 * Where they may be missing, only the claims themselves are left to tell. */
static const whk_outcome_t *check_no_token(const whk_signed_message_t *message,
                                           const whk_bytes_t *payload, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;
    const json_t *claims;

    if (message->signed_at || message->expires || !whk_jws_message_may_be_claims(payload))
        return NULL;
    outcome = whk_jws_parse_object(&claims, payload, WHK_JWS_PAYLOAD_PLACE, pool);
    if (outcome)
        return outcome->code == WHK_MALFORMED_JWS ? NULL : outcome;
    return whk_jws_message_check_no_body_hash(&message->policy, claims, pool);
}

static const whk_outcome_t *verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const whk_jws_t *jws = message->state;
    const char *name;

    WHK_TRY(whk_jws_verify(jws, jwk, enabled, &name, pool));
    WHK_TRY(check_no_token(message, &jws->payload, pool));
    whk_jws_message_add_replay_id(message, jws, pool);
    message->claims = jws->header_text;
    *algorithm = name;
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify, NULL};

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_bytes_t body = {message->body, message->length};
    const char *value;
    whk_jws_t *jws;

    WHK_TRY(whk_field_only(&value, message, policy->header, pool));
    WHK_TRY(whk_jws_parse(&jws, value, strlen(value), &body, pool));
    WHK_TRY(whk_jws_message_check_type(jws, 0, pool));
    WHK_TRY(whk_jws_message_create(parsed, policy, &verifier, jws, pool));
    (*parsed)->needs_time = !policy->allows_undated;
    return NULL;
}

/* The typ says that it is no JWT, whatever its body claims (RFC 7515, section 4.1.9). */
static json_t *header_members(const whk_signing_t *signing, apr_pool_t *pool)
{
    json_t *members = whk_signing_claims(signing, pool);

    if (members && json_object_set_new(members, "typ", json_string("JOSE")) == 0)
        return members;
    json_decref(members);
    return NULL;
}

static const whk_outcome_t *sign(apr_table_t *fields, const whk_message_t *message,
                                 const whk_signing_t *signing, apr_pool_t *pool)
{
    whk_bytes_t body = {message->body, message->length};
    const char *jws;

    WHK_TRY(whk_signing_jws(&jws, signing, header_members(signing, pool), &body, 1, pool));
    apr_table_setn(fields, signing->policy->header, jws);
    return NULL;
}

const whk_scheme_t whk_scheme_jws_detached = {"jws-detached", 1, NULL, parse, sign};
