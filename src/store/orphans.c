/* SPDX-License-Identifier: Apache-2.0 */
#include "store/orphans.h"
#include "store/statement.h"

static void *read_orphans(whk_row_t *row)
{
    whk_orphan_rows_t *orphans = apr_pcalloc(row->pool, sizeof(*orphans));

    orphans->enterprise_id = whk_row_text(row, 0);
    orphans->kind = whk_row_text(row, 1);
    orphans->rows = whk_row_number(row, 2);
    return orphans;
}

const whk_outcome_t *whk_store_orphan_list(whk_store_t *store, apr_pool_t *pool,
                                           apr_array_header_t **orphans)
{
    const void *arguments[] = {NULL};

    return whk_statement_read(store, pool, SQL_ORPHAN_LIST, arguments, read_orphans, orphans);
}
