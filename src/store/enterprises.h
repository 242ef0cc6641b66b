/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Enterprises: the rows that everything else belongs to. */

#include "store/store.h"

typedef struct whk_enterprise_t {
    const char *id;
    const char *name;
    apr_time_t created;
    apr_int64_t revision; /**< grows with whatever changes which keys verify */
    apr_int64_t active_keys;
    apr_int64_t key_count;   /**< number of the newest key: how many it ever registered */
    apr_int64_t event_count; /**< id of the newest event; 0: none yet */
    const char *event_head;  /**< hash of the newest event; "" where there is none */
} whk_enterprise_t;

/** `added` is 0 where the id is there already. */
const whk_outcome_t *whk_store_enterprise_add(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              const char *name, apr_time_t when, int *added);

/** Call it otherwise; its id stays. */
const whk_outcome_t *whk_store_enterprise_rename(whk_store_t *store, apr_pool_t *pool,
                                                 const char *id, const char *name);

/** NULL where there is none. */
const whk_outcome_t *whk_store_enterprise_get(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              whk_enterprise_t **enterprise);

/** Up to `limit` enterprises with an id beyond `after`, by id: an array of `whk_enterprise_t *`. */
const whk_outcome_t *whk_store_enterprise_walk(whk_store_t *store, apr_pool_t *pool,
                                               const char *after, int limit,
                                               apr_array_header_t **enterprises);

/** [T] Lock an enterprise's row until the end, so that what follows in its name is one after
 * another, and read it. `enterprise` is set to NULL where there is none of that id. */
const whk_outcome_t *whk_store_enterprise_lock(whk_store_t *store, apr_pool_t *pool, const char *id,
                                               whk_enterprise_t **enterprise);

/** [T] Write back revision, active_keys, key_count, event_count and event_head of a locked
 * enterprise. */
const whk_outcome_t *whk_store_enterprise_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_enterprise_t *enterprise);
