/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/jws_message.h"

#include <apr_strings.h>

#include "scheme/claims.h"

const whk_outcome_t *whk_jws_message_describe(whk_signed_message_t *message, const whk_jws_t *jws,
                                              apr_pool_t *pool)
{
    message->kid = json_string_value(json_object_get(jws->header, "kid"));
    return whk_claims_read(message, jws->header, "the JWS header", 1, pool);
}

const whk_outcome_t *whk_jws_message_claims(const json_t **claims, const whk_jws_t *jws,
                                            const char *what, apr_pool_t *pool)
{
    if (jws->payload.length > WHK_CLAIMS_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "%s must be at most %d bytes long", what,
                          WHK_CLAIMS_MAX);
    return whk_jws_parse_object(claims, &jws->payload, what, pool);
}

static const char *signature_name(const whk_jws_t *jws, apr_pool_t *pool)
{
    return whk_signature_replay_id(jws->signature.bytes, jws->signature.length, pool);
}

void whk_jws_message_name(whk_signed_message_t *message, const whk_jws_t *jws, apr_pool_t *pool)
{
    const char *name =
        message->jti ? apr_pstrcat(pool, "jti:", message->jti, NULL) : signature_name(jws, pool);

    whk_signed_message_add_name(message, name, pool);
}

void whk_jws_message_name_detached(whk_signed_message_t *message, const whk_jws_t *jws,
                                   apr_pool_t *pool)
{
    whk_signed_message_add_name(message, signature_name(jws, pool), pool);
}
