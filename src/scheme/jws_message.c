/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/jws_message.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "scheme/claims.h"

const whk_outcome_t *whk_jws_message_read_header(whk_signed_message_t *message,
                                                 const whk_jws_t *jws, apr_pool_t *pool)
{
    message->kid = json_string_value(json_object_get(jws->header, "kid"));
    return whk_claims_read(message, jws->header, "the JWS header", 1, pool);
}

const whk_outcome_t *whk_jws_message_read_claims(const json_t **claims, const whk_jws_t *jws,
                                                 const char *what, apr_pool_t *pool)
{
    if (jws->payload.length > WHK_CLAIMS_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "%s must be at most %d bytes long", what,
                          WHK_CLAIMS_MAX);
    return whk_jws_parse_object(claims, &jws->payload, what, pool);
}

static const char *signature_replay_id(const whk_jws_t *jws, apr_pool_t *pool)
{
    return whk_signature_replay_id(jws->signature.bytes, jws->signature.length, pool);
}

void whk_jws_message_add_replay_id(whk_signed_message_t *message, const whk_jws_t *jws,
                                   apr_pool_t *pool)
{
    const char *id = message->jti ? apr_pstrcat(pool, "jti:", message->jti, NULL)
                                  : signature_replay_id(jws, pool);

    whk_signed_message_add_replay_id(message, id, pool);
}

void whk_jws_message_add_detached_replay_id(whk_signed_message_t *message, const whk_jws_t *jws,
                                            apr_pool_t *pool)
{
    whk_signed_message_add_replay_id(message, signature_replay_id(jws, pool), pool);
}

int whk_jws_message_may_be_claims(const whk_bytes_t *payload)
{
    const char *text = payload->bytes;
    apr_size_t i = 0;

    if (payload->length > WHK_CLAIMS_MAX)
        return 0;
    while (i < payload->length && apr_isspace(text[i]))
        i++;
    return i < payload->length && text[i] == '{';
}

const whk_outcome_t *whk_jws_message_check_no_body_hash(const whk_scheme_policy_t *policy,
                                                        const json_t *claims, apr_pool_t *pool)
{
    const char *claim = policy->body_hash_claim ? policy->body_hash_claim : WHK_BODY_HASH_CLAIM;

    if (!json_object_get(claims, claim))
        return NULL;
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the claim %s says that this token goes in a header, beside the body whose "
                      "hash it is: it is no body itself",
                      claim);
}

const whk_outcome_t *whk_jws_message_check_type(const whk_jws_t *jws, int may_be_jwt,
                                                apr_pool_t *pool)
{
    if (may_be_jwt || jws->type != WHK_JWS_TYPE_JWT)
        return NULL;
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the typ of the JWS header says that this is a JWT, and here it is used as "
                      "another kind of JWS: leave typ out, or name another type");
}

const whk_outcome_t *whk_jws_message_create(whk_signed_message_t **parsed,
                                            const whk_scheme_policy_t *policy,
                                            const whk_scheme_verifier_t *verifier, whk_jws_t *jws,
                                            apr_pool_t *pool)
{
    *parsed = whk_signed_message_create(policy, verifier, jws, pool);
    return whk_jws_message_read_header(*parsed, jws, pool);
}
