/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

#include <apr_strings.h>
#include <string.h>

#include "model/log_number.h"

const char *whk_row_text_or_null(whk_row_t *row, int column)
{
    char *text = NULL;

    if (apr_dbd_datum_get(row->driver, row->row, column, APR_DBD_TYPE_STRING, &text) != APR_SUCCESS)
        return NULL;
    return text ? apr_pstrdup(row->pool, text) : NULL;
}

const char *whk_row_text(whk_row_t *row, int column)
{
    const char *text = whk_row_text_or_null(row, column);

    if (!text)
        row->corrupt = 1;
    return text;
}

apr_int64_t whk_row_number(whk_row_t *row, int column)
{
    apr_int64_t number = 0;

    if (apr_dbd_datum_get(row->driver, row->row, column, APR_DBD_TYPE_LONGLONG, &number) !=
        APR_SUCCESS)
        return 0;
    return number;
}

apr_time_t whk_row_time(whk_row_t *row, int column)
{
    return apr_time_from_msec(whk_row_number(row, column));
}

const whk_outcome_t *whk_row_check_match(apr_pool_t *pool, const char *wanted, const char *found)
{
    if (!strcmp(wanted, found))
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0105) "the registry's database was asked for a row of %s, and "
                                    "answers one of %s: look in its schema for a view, or a table "
                                    "that is not ours, and who made it",
                    wanted, found);
}
