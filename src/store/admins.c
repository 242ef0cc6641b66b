/* SPDX-License-Identifier: Apache-2.0 */
#include "store/admins.h"
#include "store/write.h"

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
    WHK_TRY(whk_row_check_match(pool, enterprise_id, (*admin)->enterprise_id));
    return whk_row_check_match(pool, user, (*admin)->user);
}

const whk_outcome_t *whk_store_admin_add(whk_store_t *store, apr_pool_t *pool,
                                         const whk_admin_t *admin, int *added)
{
    apr_int64_t created = apr_time_as_msec(admin->created);
    const void *arguments[] = {admin->enterprise_id, admin->user, &created, admin->seal};

    return whk_write(store, pool, SQL_ADMIN_ADD, arguments, added);
}

const whk_outcome_t *whk_store_admin_remove(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *user,
                                            int *removed)
{
    const void *arguments[] = {enterprise_id, user};

    return whk_write(store, pool, SQL_ADMIN_REMOVE, arguments, removed);
}

const whk_outcome_t *whk_store_admin_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_array_header_t **admins)
{
    const void *arguments[] = {enterprise_id};
    int i;

    WHK_TRY(whk_statement_read(store, pool, SQL_ADMIN_LIST, arguments, read_admin, admins));
    for (i = 0; i < (*admins)->nelts; i++)
        WHK_TRY(whk_row_check_match(pool, enterprise_id,
                                    APR_ARRAY_IDX(*admins, i, const whk_admin_t *)->enterprise_id));
    return NULL;
}

const whk_outcome_t *whk_store_admin_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_admin_t *admin, const char *seal, int *done)
{
    apr_int64_t created = apr_time_as_msec(admin->created);
    const void *arguments[] = {seal, admin->enterprise_id, admin->user, &created, admin->seal};

    return whk_statement_write(store, pool, SQL_ADMIN_RESEAL, arguments, done);
}
