/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notifications.h"

#include "store/statement.h"
#include "store/write.h"

/* The row that says since when events are told: no enterprise has that id. */
#define SINCE ""

#define PENDING_MOST 1000

const whk_outcome_t *whk_store_notification_queue(whk_store_t *store, apr_pool_t *pool,
                                                  const char *enterprise_id, apr_int64_t event_id,
                                                  apr_time_t when)
{
    apr_int64_t before = event_id - 1;
    apr_int64_t due = apr_time_as_msec(when);
    const void *arguments[] = {enterprise_id, &before, &event_id, &due};

    return whk_statement_write(store, pool, SQL_NOTIFICATION_QUEUE, arguments, NULL);
}

static void *read_notification(whk_row_t *row)
{
    whk_notification_t *due = apr_pcalloc(row->pool, sizeof(*due));

    due->enterprise_id = whk_row_text(row, 0);
    due->position = whk_row_number(row, 1);
    due->attempts = whk_row_number(row, 2);
    due->leased_until = whk_row_time(row, 3);
    return due;
}

const whk_outcome_t *whk_store_notification_due(whk_store_t *store, apr_pool_t *pool,
                                                apr_time_t now, apr_interval_time_t lease_most,
                                                whk_notification_t **due)
{
    apr_int64_t at = apr_time_as_msec(now);
    apr_int64_t most = apr_time_as_msec(now + lease_most);
    const void *arguments[] = {&at, &at, &most};

    return whk_statement_read_one(store, pool, SQL_NOTIFICATION_DUE, arguments, read_notification,
                                  (void **)due);
}

const whk_outcome_t *whk_store_notification_lease(whk_store_t *store, apr_pool_t *pool,
                                                  whk_notification_t *due, apr_time_t now,
                                                  apr_interval_time_t lease_most, apr_time_t until,
                                                  int *leased)
{
    apr_int64_t at = apr_time_as_msec(now);
    apr_int64_t most = apr_time_as_msec(now + lease_most);
    apr_int64_t end = apr_time_as_msec(until);
    const void *arguments[] = {&end, due->enterprise_id, &due->position, &at, &at, &most};

    WHK_TRY(whk_write(store, pool, SQL_NOTIFICATION_LEASE, arguments, leased));
    due->leased_until = until;
    return NULL;
}

const whk_outcome_t *whk_store_notification_told(whk_store_t *store, apr_pool_t *pool,
                                                 whk_notification_t *due, apr_int64_t position,
                                                 apr_time_t until, int *kept)
{
    apr_int64_t own = apr_time_as_msec(due->leased_until);
    apr_int64_t end = apr_time_as_msec(until);
    const void *arguments[] = {&position, &end, due->enterprise_id, &own};

    WHK_TRY(whk_write(store, pool, SQL_NOTIFICATION_TOLD, arguments, kept));
    due->position = position;
    due->leased_until = until;
    return NULL;
}

const whk_outcome_t *whk_store_notification_done(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_notification_t *due, int *done)
{
    apr_int64_t own = apr_time_as_msec(due->leased_until);
    const void *arguments[] = {due->enterprise_id, &own, &due->position};

    return whk_write(store, pool, SQL_NOTIFICATION_DONE, arguments, done);
}

static const whk_outcome_t *give_back(whk_store_t *store, apr_pool_t *pool,
                                      whk_statement_t statement, const whk_notification_t *due,
                                      apr_time_t when)
{
    apr_int64_t own = apr_time_as_msec(due->leased_until);
    apr_int64_t at = apr_time_as_msec(when);
    const void *arguments[] = {&at, due->enterprise_id, &own};

    return whk_write(store, pool, statement, arguments, NULL);
}

const whk_outcome_t *whk_store_notification_again(whk_store_t *store, apr_pool_t *pool,
                                                  const whk_notification_t *due, apr_time_t when)
{
    return give_back(store, pool, SQL_NOTIFICATION_AGAIN, due, when);
}

const whk_outcome_t *whk_store_notification_later(whk_store_t *store, apr_pool_t *pool,
                                                  const whk_notification_t *due, apr_time_t when)
{
    return give_back(store, pool, SQL_NOTIFICATION_LATER, due, when);
}

const whk_outcome_t *whk_store_notification_pending(whk_store_t *store, apr_pool_t *pool,
                                                    apr_int64_t *count)
{
    apr_int64_t whenever = APR_INT64_MAX;
    apr_int64_t most = PENDING_MOST;
    const void *arguments[] = {&whenever, &most};

    return whk_statement_count(store, pool, SQL_NOTIFICATION_PENDING, arguments, count);
}

const whk_outcome_t *whk_store_notification_since(whk_store_t *store, apr_pool_t *pool,
                                                  apr_time_t now, apr_interval_time_t apart,
                                                  apr_time_t *since)
{
    apr_int64_t at = apr_time_as_msec(now);
    apr_int64_t found;
    const void *arguments[] = {SINCE, &at};
    const void *begun[] = {&at, SINCE};
    const void *which[] = {SINCE};

    WHK_TRY(whk_statement_count(store, pool, SQL_NOTIFICATION_SINCE, which, &found));
    if (!found) {
        WHK_TRY(whk_write(store, pool, SQL_NOTIFICATION_BEGIN, arguments, NULL));
        WHK_TRY(whk_statement_count(store, pool, SQL_NOTIFICATION_SINCE, which, &found));
    }
    /* By a clock that was ahead: it would silence all until then. */
    if (found > apr_time_as_msec(now + apart)) {
        found = at;
        WHK_TRY(whk_write(store, pool, SQL_NOTIFICATION_BEGIN_ANEW, begun, NULL));
    }
    *since = apr_time_from_msec(found);
    return NULL;
}
