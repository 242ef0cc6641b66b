/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/change_poll.h"

#include <apr_atomic.h>

#include "model/clock.h"
#include "model/log_number.h"

/* How long a request waits for whoever polls, before it asks for its own enterprise alone. */
#define WAIT_MOST apr_time_from_sec(2)

/* How long requests leave a store alone that did not answer. */
#define BACK_OFF apr_time_from_sec(1)

/* A pass of which no page was asked for so long was left by whoever was at it. */
#define LEFT_AFTER apr_time_from_msec(100)

/* Seconds in which a node reports once that the registry was restored. */
#define REPORT_EVERY 60

struct whk_change_poll_t {
    whk_change_poll_settings_t settings;
    apr_time_t retry_at; /* atomic: requests ask no earlier; 0: at once */
    int fails;           /* the background's alone: its last poll did */
};

whk_change_poll_t *whk_change_poll_create(const whk_change_poll_settings_t *settings,
                                          apr_pool_t *pool)
{
    whk_change_poll_t *poll = apr_pcalloc(pool, sizeof(*poll));

    poll->settings = *settings;
    return poll;
}

/* One process of the node does for all. */
static void report_restored(whk_change_poll_t *poll)
{
    apr_uint32_t *place = &poll->settings.counters->restore_reported;
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(whk_clock_now());
    apr_uint32_t last = apr_atomic_read32(place);

    if ((last && now - last < REPORT_EVERY) || apr_atomic_cas32(place, now ? now : 1, last) != last)
        return;
    if (poll->settings.restored)
        poll->settings.restored(poll->settings.baton);
}

static const whk_outcome_t *read_page(whk_change_poll_t *poll, whk_store_t *store, apr_pool_t *pool,
                                      int *follows)
{
    whk_change_query_t query;
    whk_change_page_t page;

    whk_directory_begin(poll->settings.directory, &query);
    WHK_TRY(whk_store_change_list(store, pool, &query, &page));
    *follows = whk_directory_update(poll->settings.directory, &page);
    return NULL;
}

/* One process's failure says nothing of the others' connections. */
static void set_retry(whk_change_poll_t *poll, const whk_outcome_t *outcome)
{
    __atomic_store_n(&poll->retry_at, outcome ? whk_clock_now() + BACK_OFF : 0, __ATOMIC_RELAXED);
}

int whk_change_poll_may_ask(const whk_change_poll_t *poll)
{
    return whk_clock_now() >= __atomic_load_n(&poll->retry_at, __ATOMIC_RELAXED);
}

/* Under the lock. */
static const whk_outcome_t *poll_page(whk_change_poll_t *poll, whk_store_t *store, apr_pool_t *pool)
{
    const whk_enterprise_directory_t *directory = poll->settings.directory;
    int follows = 1;
    const whk_outcome_t *outcome = read_page(poll, store, pool, &follows);

    if (!outcome && !follows)
        outcome = read_page(poll, store, pool, &follows);
    /* Also where whoever forgot it all was killed before he said so. */
    if (whk_directory_was_restored(directory)) {
        report_restored(poll);
        whk_directory_note_reported(directory);
    }
    if (outcome)
        whk_directory_note_failure(directory);
    set_retry(poll, outcome);
    return outcome;
}

static int is_stopping(const whk_change_poll_t *poll)
{
    return poll->settings.stop && *poll->settings.stop;
}

/* The rest of a pass. The lock is given back after each page: a request that waits for it is not
 * kept waiting for all of them. */
static const whk_outcome_t *poll_rest(whk_change_poll_t *poll, whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = NULL;
    apr_pool_t *page;

    apr_pool_create(&page, pool);
    while (!outcome && whk_directory_is_behind(poll->settings.directory) && !is_stopping(poll) &&
           apr_global_mutex_lock(poll->settings.mutex) == APR_SUCCESS) {
        apr_pool_clear(page);
        outcome = poll_page(poll, store, page);
        apr_global_mutex_unlock(poll->settings.mutex);
    }
    return outcome ? whk_outcome_copy(pool, outcome) : NULL;
}

/* Where there are more pages, whoever reads them is quicker with the next. A process that failed
 * leaves the next poll to another. */
static int is_due(const whk_change_poll_t *poll, apr_interval_time_t interval)
{
    const whk_enterprise_directory_t *directory = poll->settings.directory;

    if (whk_directory_is_behind(directory) && whk_change_poll_may_ask(poll))
        return whk_directory_since_poll(directory) >= LEFT_AFTER;
    return whk_directory_is_due(directory, poll->fails ? 2 * interval : interval);
}

const whk_outcome_t *whk_change_poll_if_due(whk_change_poll_t *poll, whk_store_t *store,
                                            apr_interval_time_t interval, int *is_news,
                                            apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    if (!poll->settings.mutex || !is_due(poll, interval) ||
        apr_global_mutex_trylock(poll->settings.mutex) != APR_SUCCESS)
        return NULL;
    if (!is_due(poll, interval)) {
        apr_global_mutex_unlock(poll->settings.mutex);
        return NULL;
    }
    outcome = poll_page(poll, store, pool);
    apr_global_mutex_unlock(poll->settings.mutex);
    if (!outcome)
        outcome = poll_rest(poll, store, pool);
    poll->fails = outcome != NULL;
    if (is_news)
        *is_news = whk_directory_is_news(poll->settings.directory, poll->fails);
    return outcome;
}

const whk_outcome_t *whk_change_poll_unavailable(apr_pool_t *pool)
{
    return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                    WHK_LOGNO(0203) "the registry's database could not be asked which keys are "
                                    "good, and what is known is too old to be relied upon");
}

/* Whoever has had it for long is not waited for. */
static int wait_for_lock(const whk_change_poll_t *poll, whk_freshness_t freshness,
                         int must_be_fresh)
{
    apr_global_mutex_t *mutex = poll->settings.mutex;

    if (!mutex)
        return 0;
    if ((freshness == WHK_STALE && !must_be_fresh) ||
        whk_directory_since_poll(poll->settings.directory) > WAIT_MOST)
        return apr_global_mutex_trylock(mutex) == APR_SUCCESS;
    return apr_global_mutex_timedlock(mutex, WAIT_MOST) == APR_SUCCESS;
}

/* Under the lock. Of many changes a request reads one page, which tells that there are more. */
static const whk_outcome_t *poll_where_needed(whk_change_poll_t *poll, whk_store_t *store,
                                              const whk_arrival_t *arrival,
                                              whk_directory_lookup_t *found, apr_pool_t *pool)
{
    const whk_enterprise_directory_t *directory = poll->settings.directory;
    const whk_outcome_t *outcome = NULL;

    *found = whk_directory_look_up(directory, arrival);
    if (found->freshness != WHK_FRESH && !found->ask_store && whk_change_poll_may_ask(poll)) {
        outcome = poll_page(poll, store, pool);
        *found = whk_directory_look_up(directory, arrival);
    }
    return outcome;
}

void whk_change_poll_asked(whk_change_poll_t *poll, const whk_outcome_t *outcome)
{
    if (outcome && outcome->code == WHK_STORE_UNAVAILABLE)
        set_retry(poll, outcome);
}

const whk_outcome_t *whk_change_poll_for_request(whk_change_poll_t *poll, whk_store_t *store,
                                                 const whk_arrival_t *arrival, int must_be_fresh,
                                                 whk_directory_lookup_t *found, apr_pool_t *pool)
{
    const whk_enterprise_directory_t *directory = poll->settings.directory;
    const whk_outcome_t *outcome;

    *found = whk_directory_look_up(directory, arrival);
    if (found->freshness == WHK_FRESH || found->ask_store ||
        (found->freshness == WHK_STALE && !whk_change_poll_may_ask(poll)))
        return NULL;
    if (!wait_for_lock(poll, found->freshness, must_be_fresh)) {
        *found = whk_directory_look_up(directory, arrival);
        found->ask_store |= found->freshness != WHK_FRESH;
        return NULL;
    }
    outcome = poll_where_needed(poll, store, arrival, found, pool);
    apr_global_mutex_unlock(poll->settings.mutex);
    if (found->freshness == WHK_FRESH || found->freshness == WHK_STALE || found->ask_store)
        return NULL;
    return outcome ? outcome : whk_change_poll_unavailable(pool);
}
