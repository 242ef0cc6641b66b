/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Keys that somebody is to hear of, since they are about to be revoked, or are in use no more. */

#include "store/store.h"

/** A key by its name, and whose it is. */
typedef struct whk_key_name_t {
    const char *enterprise_id;
    const char *key_id;
} whk_key_name_t;

/** ACTIVE keys that are planned to be revoked within a week of `now`, and of which nobody was
 * warned since a week, or within a day of it since a day, before: `whk_key_name_t *`. */
const whk_outcome_t *whk_store_key_list_near(whk_store_t *store, apr_pool_t *pool, apr_time_t now,
                                             int limit, apr_array_header_t **names);

/** [T] Write down that somebody was warned of what is to happen from `when` on. `first` is 0 where
 * that was so already. */
const whk_outcome_t *whk_store_key_set_warned(whk_store_t *store, apr_pool_t *pool,
                                              const whk_key_name_t *name, apr_time_t when,
                                              int *first);

/** ACTIVE keys that are to be looked at whether they are in use: `whk_key_name_t *`. */
const whk_outcome_t *whk_store_key_list_unused(whk_store_t *store, apr_pool_t *pool, apr_time_t now,
                                               int limit, apr_array_header_t **names);

/** [T] Look at it next at `next`. `first` is 0 where somebody did so since `now`. */
const whk_outcome_t *whk_store_key_set_unused(whk_store_t *store, apr_pool_t *pool,
                                              const whk_key_name_t *name, apr_time_t now,
                                              apr_time_t next, int *first);
