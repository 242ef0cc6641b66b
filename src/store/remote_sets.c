/* SPDX-License-Identifier: Apache-2.0 */
#include "store/remote_sets.h"
#include "store/write.h"

static void *read_remote_set(whk_row_t *row)
{
    whk_remote_set_t *set = apr_pcalloc(row->pool, sizeof(*set));

    set->uri = whk_row_text(row, 0);
    set->etag = whk_row_text_or_null(row, 1);
    set->refresh_at = whk_row_time(row, 2);
    set->fresh_until = whk_row_time(row, 3);
    set->failures = whk_row_number(row, 4);
    set->etag_seal = whk_row_text_or_null(row, 5);
    return set;
}

const whk_outcome_t *whk_store_remote_set_add(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              apr_time_t refresh_at, apr_time_t fresh_until)
{
    apr_int64_t refresh = apr_time_as_msec(refresh_at);
    apr_int64_t fresh = apr_time_as_msec(fresh_until);
    const void *arguments[] = {uri, &refresh, &fresh};

    return whk_statement_write(store, pool, SQL_REMOTE_SET_ADD, arguments, NULL);
}

const whk_outcome_t *whk_store_remote_set_get(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              whk_remote_set_t **set)
{
    const void *arguments[] = {uri};

    return whk_statement_read_one(store, pool, SQL_REMOTE_SET_GET, arguments, read_remote_set,
                                  (void **)set);
}

const whk_outcome_t *whk_store_remote_set_list(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_array_header_t **sets)
{
    const void *arguments[] = {enterprise_id};

    return whk_statement_read(store, pool, SQL_REMOTE_SET_LIST, arguments, read_remote_set, sets);
}

const whk_outcome_t *whk_store_remote_set_due(whk_store_t *store, apr_pool_t *pool,
                                              const whk_due_t *due, whk_remote_set_t **set)
{
    apr_int64_t at = apr_time_as_msec(due->now);
    apr_int64_t refresh = apr_time_as_msec(due->refresh_most);
    apr_int64_t lease = apr_time_as_msec(due->lease_most);
    const void *arguments[] = {&at, &at, &lease, &refresh, &at, &lease};

    return whk_statement_read_one(store, pool, SQL_REMOTE_SET_DUE, arguments, read_remote_set,
                                  (void **)set);
}

const whk_outcome_t *whk_store_remote_set_lease(whk_store_t *store, apr_pool_t *pool,
                                                whk_remote_set_t *set, const whk_due_t *due,
                                                apr_time_t until, int *leased)
{
    apr_int64_t at = apr_time_as_msec(due->now);
    apr_int64_t refresh = apr_time_as_msec(due->refresh_most);
    apr_int64_t lease = apr_time_as_msec(due->lease_most);
    apr_int64_t end = apr_time_as_msec(until);
    const void *arguments[] = {&end, set->uri, &at, &refresh, &at, &lease};

    set->leased_until = until;
    return whk_write(store, pool, SQL_REMOTE_SET_LEASE, arguments, leased);
}

const whk_outcome_t *whk_store_remote_set_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_remote_set_t *set)
{
    apr_int64_t refresh = apr_time_as_msec(set->refresh_at);
    apr_int64_t fresh = apr_time_as_msec(set->fresh_until);
    apr_int64_t lease = apr_time_as_msec(set->leased_until);
    const void *arguments[] = {set->etag,      set->etag_seal, &refresh, &fresh,
                               &set->failures, set->uri,       &lease};

    return whk_write(store, pool, SQL_REMOTE_SET_UPDATE, arguments, NULL);
}

const whk_outcome_t *whk_store_remote_set_ask(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              const whk_asking_t *asking)
{
    apr_int64_t now = apr_time_as_msec(asking->now);
    apr_int64_t before = apr_time_as_msec(asking->now - asking->every);
    apr_int64_t ahead = apr_time_as_msec(asking->now + asking->apart);
    const void *arguments[] = {&now, &now, uri, &now, &before, &ahead};

    return whk_write(store, pool, SQL_REMOTE_SET_ASK, arguments, NULL);
}
