/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** JWK Sets by URI: when each is to be fetched again, and which process does. */

#include "store/store.h"

/** A key set by URI. */
typedef struct whk_remote_set_t {
    const char *uri;
    const char *etag;        /**< NULL: none */
    const char *etag_seal;   /**< registry/seal.h; NULL: none */
    apr_time_t refresh_at;   /**< when it is to be fetched again */
    apr_time_t fresh_until;  /**< until when the last good answer is good */
    apr_int64_t failures;    /**< in a row */
    apr_time_t leased_until; /**< by whom it was taken, until then */
} whk_remote_set_t;

/** [T] A key of this set was registered: it is to be fetched no later than `refresh_at`. */
const whk_outcome_t *whk_store_remote_set_add(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              apr_time_t refresh_at, apr_time_t fresh_until);

/** The set of a URI; NULL where there is none. */
const whk_outcome_t *whk_store_remote_set_get(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              whk_remote_set_t **set);

/** The sets of an enterprise's ACTIVE keys: an array of `whk_remote_set_t *`. */
const whk_outcome_t *whk_store_remote_set_list(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id,
                                               apr_array_header_t **sets);

/** What is due at `now`. What is further ahead than can have been written was written under a wrong
 *  clock: a refresh after `refresh_most` is due, and a lease until after `lease_most` is over. */
typedef struct whk_due_t {
    apr_time_t now;
    apr_time_t refresh_most;
    apr_time_t lease_most;
} whk_due_t;

/** The set that has been due for longest and is nobody's, or NULL. */
const whk_outcome_t *whk_store_remote_set_due(whk_store_t *store, apr_pool_t *pool,
                                              const whk_due_t *due, whk_remote_set_t **set);

/** Take a due set until `until`, in one atomic update, which the set remembers. `leased` is 0 where
 *  another process has it. */
const whk_outcome_t *whk_store_remote_set_lease(whk_store_t *store, apr_pool_t *pool,
                                                whk_remote_set_t *set, const whk_due_t *due,
                                                apr_time_t until, int *leased);

/** Write back what a fetch found, and give the set back: nothing is written where the lease went to
 *  somebody else meanwhile. */
const whk_outcome_t *whk_store_remote_set_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_remote_set_t *set);

/** When a set may be asked for: once `every`, in the whole fleet. That it was asked for more than
 * `apart` ahead of `now` was written under a wrong clock. */
typedef struct whk_asking_t {
    apr_time_t now;
    apr_interval_time_t every;
    apr_interval_time_t apart;
} whk_asking_t;

/** A set is to be fetched now, where nobody asked for that within `every`, and the last fetch did
 *  not fail. One atomic update. */
const whk_outcome_t *whk_store_remote_set_ask(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              const whk_asking_t *asking);
