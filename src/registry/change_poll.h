/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Asks the store which enterprises changed, for the directory of a node: one process at a time, a
 * page at a time, under a lock of them all. A background task of each process does so several times
 * per lag where no other did, which is how a change on another node arrives; a request does where
 * that is too late for it. Whoever is killed at it is followed by whoever comes next, from where he
 * was.
 *
 * A poll asks for the change that was seen last, too: where that is no longer there as it was, the
 * registry was restored from a backup, and all that was known is forgotten and read anew. */

#include <apr_global_mutex.h>

#include "registry/enterprise_directory.h"
#include "store/store.h"

typedef struct whk_change_poll_t whk_change_poll_t;

typedef struct whk_change_poll_settings_t {
    const whk_enterprise_directory_t *directory;
    whk_shared_counters_t *counters;
    apr_global_mutex_t *mutex; /**< the lock; NULL: this process can't take it, and never polls */
    /** Called where the registry is not what it was, once a node; by whoever finds it, with no lock
     * held but that of polls. May be NULL. */
    void (*restored)(void *baton);
    void *baton;
    const volatile apr_uint32_t *stop; /**< set where this process ends; NULL: never */
} whk_change_poll_settings_t;

/** What the settings name is borrowed. */
whk_change_poll_t *whk_change_poll_create(const whk_change_poll_settings_t *settings,
                                          apr_pool_t *pool);

/** Poll all that there is, where this process is to (whk_directory_is_due()), and none is at it.
 * `pool` is for the while.
 * @param is_news set to 1 where that worked, or not, unlike the time before on this node; may be
 *                NULL */
const whk_outcome_t *whk_change_poll_if_due(whk_change_poll_t *poll, whk_store_t *store,
                                            apr_interval_time_t interval, int *is_news,
                                            apr_pool_t *pool);

/** Poll for a request whose lookup is not fresh. Who waited for a poll that began after it came
 * takes its result.
 * @param must_be_fresh stale is not good enough: wait for whoever polls
 * @param found         set to what there is now. Where `ask_store` is set, the store is to be
 * asked, and whk_change_poll_asked() called behind that
 * @return NULL where that is fresh, stale, or to be asked for; else a 5xx */
const whk_outcome_t *whk_change_poll_for_request(whk_change_poll_t *poll, whk_store_t *store,
                                                 const whk_arrival_t *arrival, int must_be_fresh,
                                                 whk_directory_lookup_t *found, apr_pool_t *pool);

/** False for a second after this process found the store away: requests leave it alone. */
int whk_change_poll_may_ask(const whk_change_poll_t *poll);

/** A request asked the store for itself. */
void whk_change_poll_asked(whk_change_poll_t *poll, const whk_outcome_t *outcome);

/** store_unavailable: what is known is too old, and the store can't be asked. */
const whk_outcome_t *whk_change_poll_unavailable(apr_pool_t *pool);
