/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A key that stands for a set by URI (`*`; docs/api.md, "Sets that are followed"), and the keys
 * that came by it. Each of those is a row of its own, `followed_by` the set's, which goes on as a
 * key by jwksUri does (registry/jwk_rotation.h), but: it ends with the set's row, and for ever once
 * the set had it no more for WHK_FOLLOWED_GRACE. */

#include <jansson.h>

#include "registry/key_insertion.h"

/** How long a key may be away from its set and come back. */
#define WHK_FOLLOWED_GRACE apr_time_from_sec(86400)

/** The set that a key came by among those of its enterprise; NULL: it is none of them. */
const whk_key_t *whk_followed_set_of(const apr_array_header_t *keys, const whk_key_t *key);

/** The members of a set that could be registered: with a kid that no other has and that names no
 * set, and good by the rules for a JWK.
 * @param members set to an array of `const whk_jwk_t *` */
const whk_outcome_t *whk_followed_set_members(whk_registry_t *registry, const json_t *set,
                                              apr_array_header_t **members);

/** What of a set is to become keys. */
typedef struct whk_followed_take_t {
    const whk_key_t *parent; /**< the key that stands for the set: ACTIVE, and no other's */
    const whk_caller_t *caller;
    const apr_array_header_t *members; /**< const whk_jwk_t * */
    int all_or_none; /**< too many for WebhookKeysMaxActive is an outcome, and ends it */
    int taken;       /**< set to how many were */
    int waiting;     /**< set to how many will be once there is room for them */
} whk_followed_take_t;

/** [T] Register members that are new, with an event each. What was used before is refused, once:
 * the parent's row keeps what is.
 * @return NULL, active_key_limit, or a 5xx */
const whk_outcome_t *whk_followed_set_take(whk_store_t *store, apr_pool_t *pool,
                                           const whk_insertion_t *insertion,
                                           whk_followed_take_t *take);

/** Whether the members are those that the parent's row tells to be refused for ever: then nothing
 *  would be taken. */
int whk_followed_set_is_told(apr_pool_t *pool, const whk_key_t *parent,
                             const apr_array_header_t *members);

/** [T] The key that stands for a set was revoked just now: so are those that came by it, with an
 * event each by the same caller. One whose row is not ours verifies nothing, and stays. */
const whk_outcome_t *whk_followed_set_revoke(whk_store_t *store, apr_pool_t *pool,
                                             const whk_insertion_t *insertion,
                                             const whk_caller_t *caller, const whk_key_t *parent);
