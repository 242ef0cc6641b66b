/* SPDX-License-Identifier: Apache-2.0 */
#include "store/change_feed.h"
#include "store/statement.h"

/* A change, and the mark that its row tells. */
typedef struct {
    whk_change_t change;
    apr_int64_t mark;
} row_t;

static void *read_row(whk_row_t *row)
{
    row_t *read = apr_pcalloc(row->pool, sizeof(*read));

    read->change.enterprise_id = whk_row_text(row, 0);
    read->change.revision = whk_row_number(row, 1);
    read->change.number = whk_row_number(row, 2);
    read->mark = whk_row_number(row, 3);
    return read;
}

const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool,
                                           const whk_change_mark_t *mark,
                                           apr_array_header_t **changes, apr_int64_t *next)
{
    const void *arguments[] = {&mark->number, mark->enterprise_id ? mark->enterprise_id : ""};
    apr_array_header_t *rows;
    int i;

    WHK_TRY(whk_statement_read(store, pool, SQL_CHANGE_LIST, arguments, read_row, &rows));
    *changes = apr_array_make(pool, rows->nelts, sizeof(whk_change_t *));
    *next = rows->nelts > 0 ? APR_ARRAY_IDX(rows, 0, row_t *)->mark : mark->number;
    for (i = 0; i < rows->nelts; i++) {
        row_t *row = APR_ARRAY_IDX(rows, i, row_t *);

        APR_ARRAY_PUSH(*changes, whk_change_t *) = &row->change;
        if (row->mark > *next)
            *next = row->mark;
    }
    return NULL;
}
