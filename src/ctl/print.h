/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What commands put on standard output: tables for people, JSON for programs. */

#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>

#include "ctl/printable.h"

typedef struct whk_table_t whk_table_t;

/** A table of `columns` columns; their headings follow. */
whk_table_t *whk_table_create(apr_pool_t *pool, int columns, ...);

/** A row: one `const char *` for each column; NULL shows as `-`. Borrows the strings. */
void whk_table_row(whk_table_t *table, ...);

/** Print it, columns aligned; where it has no row, print `none` instead. */
void whk_table_print(const whk_table_t *table, const char *none);

/** As whk_time_format(), NULL for 0. */
const char *whk_print_time(apr_pool_t *pool, apr_time_t when);

/** The same as a JSON value; a new reference, `null` for 0. */
json_t *whk_print_time_json(apr_pool_t *pool, apr_time_t when);

/** Print a value on a line of its own, and take the reference. @return an exit status */
int whk_print_json(json_t *value);
