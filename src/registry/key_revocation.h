/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Revocation of a key. */

#include "registry/registry.h"

/** Revoke for ever. `caller` must be complete. key_not_found, or key_already_revoked. */
const whk_outcome_t *whk_revoke_key(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, whk_key_t **key);
