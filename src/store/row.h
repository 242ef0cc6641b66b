/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Private to the store: the columns of a row that a statement answered. */

#include <apr_dbd.h>
#include <apr_time.h>

#include "model/outcome.h"

/** A row that is being read. */
typedef struct whk_row_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_row_t *row;
    apr_pool_t *pool;
    int columns; /**< how many it has */
    int corrupt; /**< a column that must not be NULL is, or holds what can't be */
} whk_row_t;

/** Text of a column in the row's pool; NULL makes it corrupt. */
const char *whk_row_text(whk_row_t *row, int column);
/** As whk_row_text(), where NULL is allowed. */
const char *whk_row_text_or_null(whk_row_t *row, int column);
/** A number; NULL is 0. */
apr_int64_t whk_row_number(whk_row_t *row, int column);
/** A time stored as milliseconds; NULL is 0. */
apr_time_t whk_row_time(whk_row_t *row, int column);

/** Makes an item of a row; sets row->corrupt where it can't. */
typedef void *(*whk_row_reader)(whk_row_t *row);

/** Whoever can write the database can have it answer a row that was not asked for, by a view in the
 * place of a table: whatever a row is found by must stand in it.
 * @return NULL where it does, or an internal_error */
const whk_outcome_t *whk_row_check_match(apr_pool_t *pool, const char *wanted, const char *found);
