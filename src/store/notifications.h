/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Of which enterprises somebody is still to be told events, and up to which each was told. */

#include "store/store.h"

/** An enterprise with events that nobody was told of yet. */
typedef struct whk_notification_t {
    const char *enterprise_id;
    apr_int64_t position;    /**< the id of the last event that was told, or passed over */
    apr_int64_t attempts;    /**< how often the one behind it failed, in a row */
    apr_time_t leased_until; /**< by whom it was taken, until then */
} whk_notification_t;

/** [T] An event of an enterprise is to be told: in the transaction that writes it. One that was
 * there before the first of these is not. */
const whk_outcome_t *whk_store_notification_queue(whk_store_t *store, apr_pool_t *pool,
                                                  const char *enterprise_id, apr_int64_t event_id,
                                                  apr_time_t when);

/** The one that has been due for longest and is nobody's, or NULL.
 * @param lease_most no lease is as long as this from now, but under a wrong clock */
const whk_outcome_t *whk_store_notification_due(whk_store_t *store, apr_pool_t *pool,
                                                apr_time_t now, apr_interval_time_t lease_most,
                                                whk_notification_t **due);

/** Take it until `until`, in one atomic update. `leased` is 0 where another process has it, or told
 * some of it since it was read. */
const whk_outcome_t *whk_store_notification_lease(whk_store_t *store, apr_pool_t *pool,
                                                  whk_notification_t *due, apr_time_t now,
                                                  apr_interval_time_t lease_most, apr_time_t until,
                                                  int *leased);

/** Write down that all up to `position` was told, and keep it until `until`. `kept` is 0 where it
 * is another's by now. */
const whk_outcome_t *whk_store_notification_told(whk_store_t *store, apr_pool_t *pool,
                                                 whk_notification_t *due, apr_int64_t position,
                                                 apr_time_t until, int *kept);

/** Give it back: all was told. `done` is 0 where there are more since. */
const whk_outcome_t *whk_store_notification_done(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_notification_t *due, int *done);

/** Give it back, to be tried again at `when`. */
const whk_outcome_t *whk_store_notification_again(whk_store_t *store, apr_pool_t *pool,
                                                  const whk_notification_t *due, apr_time_t when);

/** Give it back for others to have their turn, due at `when`: nothing failed. */
const whk_outcome_t *whk_store_notification_later(whk_store_t *store, apr_pool_t *pool,
                                                  const whk_notification_t *due, apr_time_t when);

/** How many enterprises are due or wait to be tried again; at most 1,000. */
const whk_outcome_t *whk_store_notification_pending(whk_store_t *store, apr_pool_t *pool,
                                                    apr_int64_t *count);

/** Since when events are told: `now`, where nobody said so before, or by a clock that was more than
 * `apart` ahead. */
const whk_outcome_t *whk_store_notification_since(whk_store_t *store, apr_pool_t *pool,
                                                  apr_time_t now, apr_interval_time_t apart,
                                                  apr_time_t *since);
