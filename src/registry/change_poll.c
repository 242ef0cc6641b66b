/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/change_poll.h"

#include <apr_atomic.h>
#include <apr_thread_mutex.h>

#include "model/clock.h"

/* How long a store that did not answer is left alone. */
#define BACK_OFF apr_time_from_sec(1)

/* Seconds in which a node reports once that the registry was restored: each process finds it. */
#define REPORT_EVERY 60

struct whk_change_poll_t {
    whk_enterprise_directory_t *directory;
    whk_shared_counters_t *counters;
    void (*restored)(void *baton);
    void *baton;
    apr_thread_mutex_t *mutex; /* around a poll */
    apr_time_t retry_at;       /* requests poll no earlier; atomic */
};

whk_change_poll_t *whk_change_poll_create(whk_enterprise_directory_t *directory,
                                          whk_shared_counters_t *counters,
                                          void (*restored)(void *baton), void *baton,
                                          apr_pool_t *pool)
{
    whk_change_poll_t *poll = apr_pcalloc(pool, sizeof(*poll));

    poll->directory = directory;
    poll->counters = counters;
    poll->restored = restored;
    poll->baton = baton;
    return apr_thread_mutex_create(&poll->mutex, APR_THREAD_MUTEX_DEFAULT, pool) == APR_SUCCESS
               ? poll
               : NULL;
}

/* One process of the node does for all. */
static void report_restored(whk_change_poll_t *poll)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(whk_clock_now());
    apr_uint32_t last = apr_atomic_read32(&poll->counters->restore_reported);

    if ((last && now - last < REPORT_EVERY) ||
        apr_atomic_cas32(&poll->counters->restore_reported, now ? now : 1, last) != last)
        return;
    if (poll->restored)
        poll->restored(poll->baton);
}

static const whk_outcome_t *read_changes(whk_change_poll_t *poll, whk_store_t *store,
                                         apr_pool_t *pool, int *follow)
{
    whk_change_mark_t mark = whk_directory_begin(poll->directory);
    apr_array_header_t *changes;
    apr_int64_t next;

    WHK_TRY(whk_store_change_list(store, pool, &mark, &changes, &next));
    *follow = whk_directory_update(poll->directory, changes, next);
    return NULL;
}

/* Under the mutex. */
static const whk_outcome_t *poll_locked(whk_change_poll_t *poll, whk_store_t *store,
                                        apr_pool_t *pool)
{
    int follow = 1;
    const whk_outcome_t *outcome = read_changes(poll, store, pool, &follow);

    if (!follow) {
        report_restored(poll);
        outcome = read_changes(poll, store, pool, &follow);
    }
    __atomic_store_n(&poll->retry_at, outcome ? whk_clock_now() + BACK_OFF : 0, __ATOMIC_SEQ_CST);
    return outcome;
}

const whk_outcome_t *whk_change_poll(whk_change_poll_t *poll, whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    apr_thread_mutex_lock(poll->mutex);
    outcome = poll_locked(poll, store, pool);
    apr_thread_mutex_unlock(poll->mutex);
    return outcome;
}

const whk_outcome_t *whk_change_poll_unavailable(apr_pool_t *pool)
{
    return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                    "the registry's database could not be asked which keys are good, and what is "
                    "known is too old to be relied upon");
}

static int may_poll(const whk_change_poll_t *poll)
{
    return whk_clock_now() >= __atomic_load_n(&poll->retry_at, __ATOMIC_SEQ_CST);
}

/* Take the mutex. @return 0: go on with what there is, which is stale, but not known to have
 * changed */
static int begin(whk_change_poll_t *poll, whk_freshness_t freshness, int must_be_fresh)
{
    if (freshness == WHK_STALE && !may_poll(poll))
        return 0;
    if (freshness == WHK_STALE && !must_be_fresh)
        return apr_thread_mutex_trylock(poll->mutex) == APR_SUCCESS;
    apr_thread_mutex_lock(poll->mutex);
    return 1;
}

const whk_outcome_t *whk_change_poll_for_request(whk_change_poll_t *poll, whk_store_t *store,
                                                 const whk_arrival_t *arrival, int must_be_fresh,
                                                 whk_directory_lookup_t *found, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = NULL;

    *found = whk_directory_look_up(poll->directory, arrival);
    if (found->freshness == WHK_FRESH || !begin(poll, found->freshness, must_be_fresh))
        return NULL;
    *found = whk_directory_look_up(poll->directory, arrival);
    if (found->freshness != WHK_FRESH && may_poll(poll)) {
        outcome = poll_locked(poll, store, pool);
        *found = whk_directory_look_up(poll->directory, arrival);
    }
    apr_thread_mutex_unlock(poll->mutex);
    if (found->freshness == WHK_FRESH || found->freshness == WHK_STALE)
        return NULL;
    return outcome ? outcome : whk_change_poll_unavailable(pool);
}
