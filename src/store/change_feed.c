/* SPDX-License-Identifier: Apache-2.0 */
#include "store/change_feed.h"
#include "store/statement.h"

typedef struct {
    whk_change_t change;
    apr_int64_t mark;
    int is_again; /* it is listed since it was asked for */
} row_t;

static void *read_row(whk_row_t *row)
{
    row_t *read = apr_pcalloc(row->pool, sizeof(*read));

    read->change.enterprise_id = whk_row_text(row, 0);
    read->change.revision = whk_row_number(row, 1);
    read->change.number = whk_row_number(row, 2);
    read->mark = whk_row_number(row, 3);
    read->is_again = (int)whk_row_number(row, 4);
    return read;
}

const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool,
                                           const whk_change_query_t *query, whk_change_page_t *page)
{
    const apr_int64_t most = WHK_CHANGES_MOST;
    const void *arguments[] = {query->again, &query->number, &query->number, query->enterprise_id,
                               &most};
    apr_array_header_t *rows;
    int i;

    WHK_TRY(whk_statement_read(store, pool, SQL_CHANGE_LIST, arguments, read_row, &rows));
    page->changes = apr_array_make(pool, rows->nelts, sizeof(whk_change_t *));
    page->again = NULL;
    page->mark = -1;
    for (i = 0; i < rows->nelts; i++) {
        row_t *row = APR_ARRAY_IDX(rows, i, row_t *);

        page->mark = row->mark;
        if (row->is_again)
            page->again = &row->change;
        else
            APR_ARRAY_PUSH(page->changes, whk_change_t *) = &row->change;
    }
    page->more = page->changes->nelts == WHK_CHANGES_MOST;
    return NULL;
}
