/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The other direction: a message that each scheme signs as it verifies one. A scheme makes header
 * fields, which are set in the place of all that the message has under their names. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "jose/private_key.h"
#include "model/message.h"
#include "model/outcome.h"
#include "scheme/signed_message.h"

/** Who signs, and for how long it is good. */
typedef struct whk_signing_t {
    const whk_private_key_t *key;
    apr_time_t now;
    apr_interval_time_t lifetime;
    /** Of its policy a scheme takes where it puts its signature, the name of the claim, the
     * components to be covered, and the tag. */
    const whk_scheme_policy_t *policy;
} whk_signing_t;

/** The claims, or members of a header, that date a JWS and name it: iat, exp, and a random jti.
 * @return a new reference; NULL: out of memory, or of random bytes */
json_t *whk_signing_claims(const whk_signing_t *signing, apr_pool_t *pool);

/** The compact form of a JWS over `payload` (RFC 7515, section 3.1).
 * @param members     of the header beside alg and kid; taken over. NULL is out of memory
 * @param is_detached its middle part is left out (appendix F)
 * @return NULL or internal_error */
const whk_outcome_t *whk_signing_jws(const char **jws, const whk_signing_t *signing,
                                     json_t *members, const whk_bytes_t *payload, int is_detached,
                                     apr_pool_t *pool);
