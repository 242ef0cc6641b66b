/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For the JWS schemes: the claims that say when a message is good, which one it is, and whom it is
 * for and from (RFC 7519, section 4.1), wherever they stand. */

#include <apr_pools.h>
#include <jansson.h>

#include "model/outcome.h"
#include "scheme/signed_message.h"

/** The longest text that is read as claims, in bytes. */
#define WHK_CLAIMS_MAX 65536

/** The claim that holds the hash of a body, where the policy names no other. */
#define WHK_BODY_HASH_CLAIM "request_body_sha256"

/** Take `exp`, `nbf`, `iat`, `jti`, `iss` and `aud` over into `message`, where present. What a
 * header repeats of its claims must agree with them (RFC 7519 section 5.3).
 * @param object what holds them
 * @param place  what it is, for messages: `the JWS header`
 * @param strict whether they are claims for certain; else a member of another type than a claim of
 *               that name has is the application's own, and left alone
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_claims_read(whk_signed_message_t *message, const json_t *object,
                                     const char *place, int strict, apr_pool_t *pool);
