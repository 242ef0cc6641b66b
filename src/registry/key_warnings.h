/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What an admin should know of a change that was made all the same: `warnings` of an answer, texts
 * that say what follows and what to do. */

#include "model/key.h"
#include "store/enterprises.h"
#include "store/store.h"

/** [T] Of a key that is planned to be revoked: that no other is ACTIVE from then on, or that it
 * alone was used in the last hour.
 * @param warnings set to an array of `const char *`, which may be empty */
const whk_outcome_t *whk_warn_of_plan(whk_store_t *store, apr_pool_t *pool, const whk_key_t *key,
                                      apr_time_t now, apr_array_header_t **warnings);

/** [T] Of a key that was revoked: that it was the last ACTIVE one. `enterprise` counts as it is
 * afterwards. */
const whk_outcome_t *whk_warn_of_revocation(whk_store_t *store, apr_pool_t *pool,
                                            const whk_enterprise_t *enterprise, apr_time_t now,
                                            apr_array_header_t **warnings);
