/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What a JWK Set that was fetched again means for the registered keys that come from it: each
 * stays, is replaced by the set's newer JWK of its kid, or verifies nothing for now. */

#include <jansson.h>

#include "registry/registry.h"

/**
 * Write down what a set says of keys: of each that changes in a transaction of its enterprise, with
 * a new revision. A replaced JWK is in the audit trail, once; where the policy pins keys, or the
 * material was used before, it is refused. A key that came by a set that is followed is in the
 * audit trail too when it goes and when it is back, and is revoked once it was away for
 * WHK_FOLLOWED_GRACE (registry/followed_set.h).
 * @param keys        `whk_key_t *`, ACTIVE
 * @param set         NULL: it could not be had for too long
 * @param is_stopping asked between two keys: true ends with too_busy */
const whk_outcome_t *whk_rotate_keys(whk_registry_t *registry, const apr_array_header_t *keys,
                                     const json_t *set, int (*is_stopping)(void *baton),
                                     void *baton);
