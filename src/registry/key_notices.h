/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Events that only time brings: a key that is about to be revoked (`key.revocation_near`, 7 days
 * and 1 day before), one that verified nothing for 90 days (`key.unused`, and again every 90 days
 * while that stays so), a set by URI that cannot be fetched (`jwks_uri.unreachable`). Each is
 * written once, by whichever node is first, in a transaction of its enterprise. */

#include "registry/registry.h"

/** Write what is due of the first two, of all enterprises.
 * @param is_stopping asked in between: true ends it
 * @return NULL, or the first failure: what was due then is due still */
const whk_outcome_t *whk_write_key_notices(whk_registry_t *registry,
                                           int (*is_stopping)(void *baton), void *baton);

/** The set of these keys, `whk_key_t *`, has failed so often that somebody should look.
 * @param code why */
const whk_outcome_t *whk_write_unreachable(whk_registry_t *registry, const apr_array_header_t *keys,
                                           const char *code);
