/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/compact_jws.h"

#include <string.h>

#include "scheme/jws_message.h"

static const whk_outcome_t *verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const whk_jws_t *jws = message->state;

    WHK_TRY(whk_jws_verify(jws, jwk, enabled, algorithm, pool));
    whk_jws_message_add_replay_id(message, jws, pool);
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify, NULL};

static int has_no_payload(const char *jws, apr_size_t length)
{
    const char *dot = memchr(jws, '.', length);

    return dot && dot + 1 < jws + length && dot[1] == '.';
}

const whk_outcome_t *whk_compact_jws_parse(whk_signed_message_t **parsed, const char *jws,
                                           apr_size_t jws_length, const char *payload,
                                           apr_size_t payload_length, apr_pool_t *pool)
{
    static const whk_scheme_policy_t none = {0};
    whk_bytes_t detached = {payload ? payload : "", payload ? payload_length : 0};
    int is_detached = payload || has_no_payload(jws, jws_length);
    whk_jws_t *read;

    WHK_TRY(whk_jws_parse(&read, jws, jws_length, is_detached ? &detached : NULL, pool));
    return whk_jws_message_create(parsed, &none, &verifier, read, pool);
}
