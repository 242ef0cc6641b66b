/* SPDX-License-Identifier: Apache-2.0 */
#include "store/change_feed.h"
#include "store/statement.h"

static void *read_change(whk_row_t *row)
{
    whk_change_t *change = apr_pcalloc(row->pool, sizeof(*change));

    change->enterprise_id = whk_row_text(row, 0);
    change->revision = whk_row_number(row, 1);
    change->number = whk_row_number(row, 2);
    return change;
}

const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool, apr_int64_t after,
                                           apr_array_header_t **changes)
{
    const void *arguments[] = {&after};

    return whk_statement_read(store, pool, SQL_CHANGE_LIST, arguments, read_change, changes);
}
