/* SPDX-License-Identifier: Apache-2.0 */
#include "store/operator_query.h"

#include "store/statement.h"

static void *read_columns(whk_row_t *row)
{
    apr_array_header_t *columns = apr_array_make(row->pool, row->columns, sizeof(const char *));
    int i;

    for (i = 0; i < row->columns; i++)
        APR_ARRAY_PUSH(columns, const char *) = whk_row_text_or_null(row, i);
    return columns;
}

const whk_outcome_t *whk_store_operator_query(whk_store_t *store, apr_pool_t *pool,
                                              const char *query, const void **arguments,
                                              apr_array_header_t **rows)
{
    return whk_statement_read_query(store, pool, query, arguments, read_columns, rows);
}
