/* SPDX-License-Identifier: Apache-2.0 */
#include "store/orphans.h"
#include "store/statement.h"

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
