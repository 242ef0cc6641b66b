/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_SCHEME_JWS_MESSAGE_H
#define WHK_SCHEME_JWS_MESSAGE_H

/**
 * @file scheme/jws_message.h
 * For the schemes that sign by a JWS: what that tells of the message.
 */

#include <apr_pools.h>
#include <jansson.h>

#include "jose/jws.h"
#include "model/outcome.h"
#include "scheme/signed_message.h"

/**
 * Read the payload of a JWS that was verified as claims (RFC 7519, section 4).
 * @return NULL or malformed_jws
 */
const whk_outcome_t *whk_jws_message_claims(const json_t **claims, const whk_jws_t *jws,
                                            const char *what, apr_pool_t *pool);

/** Take over from the header what a signed message tells: kid, times, jti, aud, iss. */
const whk_outcome_t *whk_jws_message_describe(whk_signed_message_t *message, const whk_jws_t *jws,
                                              apr_pool_t *pool);

/** The last step of a verification: the message is named by its jti, or else by its signature. */
void whk_jws_message_name(whk_signed_message_t *message, const whk_jws_t *jws, apr_pool_t *pool);

/** Where its jti is a claim: name it also as it would be if its payload were sent apart, when
 * nobody reads claims. */
void whk_jws_message_name_detached(whk_signed_message_t *message, const whk_jws_t *jws,
                                   apr_pool_t *pool);

#endif
