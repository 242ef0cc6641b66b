/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For the schemes that sign by a JWS: what that tells of the message. */

#include <apr_pools.h>
#include <jansson.h>

#include "jose/jws.h"
#include "model/outcome.h"
#include "scheme/signed_message.h"

/** What a payload is called in messages. */
#define WHK_JWS_PAYLOAD_PLACE "the payload of the JWS"

/** Read the payload of a JWS that was verified as claims (RFC 7519, section 4).
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_jws_message_read_claims(const json_t **claims, const whk_jws_t *jws,
                                                 const char *what, apr_pool_t *pool);

/** Take over from the header what a signed message tells: kid, times, jti, aud, iss. */
const whk_outcome_t *whk_jws_message_read_header(whk_signed_message_t *message,
                                                 const whk_jws_t *jws, apr_pool_t *pool);

/** The last step of a verification: the message has its jti as a replay id, or else its signature.
 */
void whk_jws_message_add_replay_id(whk_signed_message_t *message, const whk_jws_t *jws,
                                   apr_pool_t *pool);

/** Where its jti is a claim: also the id that it would have if its payload were sent apart, when
 * nobody reads claims. */
void whk_jws_message_add_detached_replay_id(whk_signed_message_t *message, const whk_jws_t *jws,
                                            apr_pool_t *pool);

/** Whether a payload is short enough to be read as claims, and begins as a JSON object does. */
int whk_jws_message_may_be_claims(const whk_bytes_t *payload);

/** What holds the hash of a body was signed to go beside that, in a header: the scheme jwt.
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_jws_message_check_no_body_hash(const whk_scheme_policy_t *policy,
                                                        const json_t *claims, apr_pool_t *pool);

/** RFC 8725, section 3.11: what was made as one kind of token is none of another.
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_jws_message_check_type(const whk_jws_t *jws, int may_be_jwt,
                                                apr_pool_t *pool);

/** Make a message whose state is the JWS, and read its header. */
const whk_outcome_t *whk_jws_message_create(whk_signed_message_t **parsed,
                                            const whk_scheme_policy_t *policy,
                                            const whk_scheme_verifier_t *verifier, whk_jws_t *jws,
                                            apr_pool_t *pool);
