/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Admins: which users an enterprise is run by. */

#include "store/store.h"

typedef struct whk_admin_t {
    const char *enterprise_id;
    const char *user;
    apr_time_t created;
    const char *seal; /**< registry/seal.h; NULL: none */
} whk_admin_t;

/** The row that makes a user an admin, or NULL, also where there is no such enterprise. */
const whk_outcome_t *whk_store_admin_get(whk_store_t *store, apr_pool_t *pool,
                                         const char *enterprise_id, const char *user,
                                         whk_admin_t **admin);

/** `added` is 0 where the user is one already. The enterprise must be there. */
const whk_outcome_t *whk_store_admin_add(whk_store_t *store, apr_pool_t *pool,
                                         const whk_admin_t *admin, int *added);

/** `removed` is 0 where the user is none. */
const whk_outcome_t *whk_store_admin_remove(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *user,
                                            int *removed);

/** By user: an array of `whk_admin_t *`. */
const whk_outcome_t *whk_store_admin_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_array_header_t **admins);

/** [T] Put `seal` in the place of the one that the row was read with, as a seal under another key.
 * `done` is 0, and nothing changed, where the row was changed since. */
const whk_outcome_t *whk_store_admin_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_admin_t *admin, const char *seal, int *done);
