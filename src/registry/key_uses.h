/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** When keys verified something last, until it is written to the store as their lastUsedDate. Any
 * thread may call. */

#include "store/store.h"

/** A lastUsedDate is true to the minute. */
#define WHK_KEY_USE_STEP apr_time_from_sec(60)

typedef struct whk_key_uses_t whk_key_uses_t;

/** Ends with `pool`. NULL: out of memory. */
whk_key_uses_t *whk_key_uses_create(apr_pool_t *pool);

/** Note a use. Of those that wait while the store is away there is a most; then it is not noted. */
void whk_key_uses_add(whk_key_uses_t *uses, const char *enterprise_id, const char *key_id,
                      apr_time_t when);

/** Write what was noted, in one transaction. What can't be written is kept for the next time. */
const whk_outcome_t *whk_key_uses_write(whk_key_uses_t *uses, whk_store_t *store, apr_pool_t *pool);
