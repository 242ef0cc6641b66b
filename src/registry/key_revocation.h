/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Revocation of a key. */

#include "registry/registry.h"

/** Revoke for ever. `caller` must be complete. key_not_found, or key_already_revoked, also where
 * the time that was planned for it has come.
 * @param warnings set to those of registry/key_warnings.h */
const whk_outcome_t *whk_revoke_key(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, whk_key_t **key,
                                    apr_array_header_t **warnings);

/** The answer to whoever would change a key that was revoked. */
const whk_outcome_t *whk_key_already_revoked(apr_pool_t *pool, const whk_key_t *key);
