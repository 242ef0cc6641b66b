/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which key material an enterprise ever had, by thumbprint: none is good for a second key. */

#include "store/store.h"

/** [T] This enterprise uses key material up. `first` is 0 where it did before. */
const whk_outcome_t *whk_store_material_use(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *thumbprint,
                                            const char *key_id, int *first);

/** The keyId that used this material of an enterprise up, or NULL: it was never used. */
const whk_outcome_t *whk_store_material_get(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *thumbprint,
                                            const char **key_id);

/** Up to `limit` used thumbprints beyond `after`, in order: an array of `const char *`. */
const whk_outcome_t *whk_store_material_walk(whk_store_t *store, apr_pool_t *pool,
                                             const char *enterprise_id, const char *after,
                                             int limit, apr_array_header_t **thumbprints);
