/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key_notices.h"

#include "store/statement.h"

#define DAY apr_time_from_sec(86400)

static void *read_name(whk_row_t *row)
{
    whk_key_name_t *name = apr_palloc(row->pool, sizeof(*name));

    name->enterprise_id = whk_row_text(row, 0);
    name->key_id = whk_row_text(row, 1);
    return name;
}

const whk_outcome_t *whk_store_key_list_near(whk_store_t *store, apr_pool_t *pool, apr_time_t now,
                                             int limit, apr_array_header_t **names)
{
    apr_int64_t at = apr_time_as_msec(now);
    apr_int64_t week = apr_time_as_msec(now + 7 * DAY);
    apr_int64_t day = apr_time_as_msec(now + DAY);
    apr_int64_t most = limit;
    const void *arguments[] = {&at, &week, &day, &most};

    return whk_statement_read(store, pool, SQL_KEY_LIST_NEAR, arguments, read_name, names);
}

const whk_outcome_t *whk_store_key_set_warned(whk_store_t *store, apr_pool_t *pool,
                                              const whk_key_name_t *name, apr_time_t when,
                                              int *first)
{
    apr_int64_t at = apr_time_as_msec(when);
    const void *arguments[] = {&at, name->enterprise_id, name->key_id, &at};

    return whk_statement_write(store, pool, SQL_KEY_SET_WARNED, arguments, first);
}

const whk_outcome_t *whk_store_key_list_unused(whk_store_t *store, apr_pool_t *pool, apr_time_t now,
                                               int limit, apr_array_header_t **names)
{
    apr_int64_t at = apr_time_as_msec(now);
    apr_int64_t most = limit;
    const void *arguments[] = {&at, &most};

    return whk_statement_read(store, pool, SQL_KEY_LIST_UNUSED, arguments, read_name, names);
}

const whk_outcome_t *whk_store_key_set_unused(whk_store_t *store, apr_pool_t *pool,
                                              const whk_key_name_t *name, apr_time_t now,
                                              apr_time_t next, int *first)
{
    apr_int64_t at = apr_time_as_msec(now);
    apr_int64_t then = apr_time_as_msec(next);
    const void *arguments[] = {&then, name->enterprise_id, name->key_id, &at};

    return whk_statement_write(store, pool, SQL_KEY_SET_UNUSED, arguments, first);
}
