/* SPDX-License-Identifier: Apache-2.0 */
#include "store/enterprises.h"
#include "model/log_number.h"
#include "store/write.h"

static void *read_enterprise(whk_row_t *row)
{
    whk_enterprise_t *enterprise = apr_pcalloc(row->pool, sizeof(*enterprise));

    enterprise->id = whk_row_text(row, 0);
    enterprise->name = whk_row_text_or_null(row, 1);
    enterprise->created = whk_row_time(row, 2);
    enterprise->revision = whk_row_number(row, 3);
    enterprise->active_keys = whk_row_number(row, 4);
    enterprise->event_count = whk_row_number(row, 5);
    enterprise->event_head = whk_row_text(row, 6);
    enterprise->key_count = whk_row_number(row, 7);
    return enterprise;
}

static const whk_outcome_t *read_one(whk_store_t *store, apr_pool_t *pool,
                                     whk_statement_t statement, const char *id,
                                     whk_enterprise_t **enterprise)
{
    const void *arguments[] = {id};

    WHK_TRY(whk_statement_read_one(store, pool, statement, arguments, read_enterprise,
                                   (void **)enterprise));
    return *enterprise ? whk_row_check_match(pool, id, (*enterprise)->id) : NULL;
}

const whk_outcome_t *whk_store_enterprise_lock(whk_store_t *store, apr_pool_t *pool, const char *id,
                                               whk_enterprise_t **enterprise)
{
    if (!store->in_transaction)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0100) "an enterprise was locked outside a transaction");
    return read_one(store, pool, SQL_ENTERPRISE_LOCK, id, enterprise);
}

const whk_outcome_t *whk_store_enterprise_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_enterprise_t *enterprise)
{
    const void *arguments[] = {
        &enterprise->revision,  &enterprise->revision,    &enterprise->active_keys,
        &enterprise->key_count, &enterprise->event_count, enterprise->event_head,
        enterprise->id};

    return whk_statement_write(store, pool, SQL_ENTERPRISE_UPDATE, arguments, NULL);
}

const whk_outcome_t *whk_store_enterprise_add(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              const char *name, apr_time_t when, int *added)
{
    apr_int64_t created = apr_time_as_msec(when);
    const void *arguments[] = {id, name, &created};

    return whk_write(store, pool, SQL_ENTERPRISE_ADD, arguments, added);
}

const whk_outcome_t *whk_store_enterprise_rename(whk_store_t *store, apr_pool_t *pool,
                                                 const char *id, const char *name)
{
    const void *arguments[] = {name, id};

    return whk_write(store, pool, SQL_ENTERPRISE_RENAME, arguments, NULL);
}

const whk_outcome_t *whk_store_enterprise_get(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              whk_enterprise_t **enterprise)
{
    return read_one(store, pool, SQL_ENTERPRISE_GET, id, enterprise);
}

const whk_outcome_t *whk_store_enterprise_walk(whk_store_t *store, apr_pool_t *pool,
                                               const char *after, int limit,
                                               apr_array_header_t **enterprises)
{
    apr_int64_t most = limit;
    const void *arguments[] = {after, &most};

    return whk_statement_read(store, pool, SQL_ENTERPRISE_WALK, arguments, read_enterprise,
                              enterprises);
}
