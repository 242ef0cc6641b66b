/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statement.h"

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
    return enterprise;
}

static const whk_outcome_t *read_one(whk_store_t *store, apr_pool_t *pool,
                                     whk_statement_t statement, const char *id,
                                     whk_enterprise_t **enterprise)
{
    const void *arguments[] = {id};

    WHK_TRY(whk_statement_read_one(store, pool, statement, arguments, read_enterprise,
                                   (void **)enterprise));
    return *enterprise ? whk_statement_check(pool, id, (*enterprise)->id) : NULL;
}

const whk_outcome_t *whk_store_enterprise_lock(whk_store_t *store, apr_pool_t *pool, const char *id,
                                               whk_enterprise_t **enterprise)
{
    if (!store->in_transaction)
        return whk_fail(pool, WHK_INTERNAL_ERROR, "an enterprise was locked outside a transaction");
    return read_one(store, pool, SQL_ENTERPRISE_LOCK, id, enterprise);
}

const whk_outcome_t *whk_store_enterprise_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_enterprise_t *enterprise)
{
    const void *arguments[] = {&enterprise->revision,    &enterprise->revision,
                               &enterprise->active_keys, &enterprise->event_count,
                               enterprise->event_head,   enterprise->id};

    return whk_statement_write_in_transaction(store, pool, SQL_ENTERPRISE_UPDATE, arguments, NULL);
}

const whk_outcome_t *whk_store_enterprise_add(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              const char *name, apr_time_t when, int *added)
{
    apr_int64_t created = apr_time_as_msec(when);
    const void *arguments[] = {id, name, &created};

    return whk_statement_write(store, pool, SQL_ENTERPRISE_ADD, arguments, added);
}

const whk_outcome_t *whk_store_enterprise_get(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              whk_enterprise_t **enterprise)
{
    return read_one(store, pool, SQL_ENTERPRISE_GET, id, enterprise);
}

const whk_outcome_t *whk_store_enterprise_list(whk_store_t *store, apr_pool_t *pool,
                                               apr_array_header_t **enterprises)
{
    const void *arguments[] = {NULL};

    return whk_statement_read(store, pool, SQL_ENTERPRISE_LIST, arguments, read_enterprise,
                              enterprises);
}

static void *read_lost(whk_row_t *row)
{
    whk_lost_rows_t *lost = apr_pcalloc(row->pool, sizeof(*lost));

    lost->enterprise_id = whk_row_text(row, 0);
    lost->kind = whk_row_text(row, 1);
    lost->rows = whk_row_number(row, 2);
    return lost;
}

const whk_outcome_t *whk_store_enterprise_lost(whk_store_t *store, apr_pool_t *pool,
                                               apr_array_header_t **lost)
{
    const void *arguments[] = {NULL};

    return whk_statement_read(store, pool, SQL_ENTERPRISE_LOST, arguments, read_lost, lost);
}

static void *read_admin(whk_row_t *row)
{
    whk_admin_t *admin = apr_pcalloc(row->pool, sizeof(*admin));

    admin->enterprise_id = whk_row_text(row, 0);
    admin->user = whk_row_text(row, 1);
    admin->created = whk_row_time(row, 2);
    admin->seal = whk_row_text_or_null(row, 3);
    return admin;
}

const whk_outcome_t *whk_store_admin_get(whk_store_t *store, apr_pool_t *pool,
                                         const char *enterprise_id, const char *user,
                                         whk_admin_t **admin)
{
    const void *arguments[] = {enterprise_id, user};

    WHK_TRY(
        whk_statement_read_one(store, pool, SQL_ADMIN_GET, arguments, read_admin, (void **)admin));
    if (!*admin)
        return NULL;
    WHK_TRY(whk_statement_check(pool, enterprise_id, (*admin)->enterprise_id));
    return whk_statement_check(pool, user, (*admin)->user);
}

const whk_outcome_t *whk_store_admin_add(whk_store_t *store, apr_pool_t *pool,
                                         const whk_admin_t *admin, int *added)
{
    apr_int64_t created = apr_time_as_msec(admin->created);
    const void *arguments[] = {admin->enterprise_id, admin->user, &created, admin->seal};

    return whk_statement_write(store, pool, SQL_ADMIN_ADD, arguments, added);
}

const whk_outcome_t *whk_store_admin_remove(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *user,
                                            int *removed)
{
    const void *arguments[] = {enterprise_id, user};

    return whk_statement_write(store, pool, SQL_ADMIN_REMOVE, arguments, removed);
}

const whk_outcome_t *whk_store_admin_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_array_header_t **admins)
{
    const void *arguments[] = {enterprise_id};
    int i;

    WHK_TRY(whk_statement_read(store, pool, SQL_ADMIN_LIST, arguments, read_admin, admins));
    for (i = 0; i < (*admins)->nelts; i++)
        WHK_TRY(whk_statement_check(pool, enterprise_id,
                                    APR_ARRAY_IDX(*admins, i, const whk_admin_t *)->enterprise_id));
    return NULL;
}

const whk_outcome_t *whk_store_admin_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_admin_t *admin, const char *seal, int *done)
{
    apr_int64_t created = apr_time_as_msec(admin->created);
    const void *arguments[] = {seal, admin->enterprise_id, admin->user, &created, admin->seal};

    return whk_statement_write_in_transaction(store, pool, SQL_ADMIN_RESEAL, arguments, done);
}
