/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/print.h"

#include <apr_tables.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/diagnostics.h"
#include "model/timestamp.h"

#define COLUMNS_MAX 10

struct whk_table_t {
    apr_pool_t *pool;
    int columns;
    apr_array_header_t *cells; /* const char *, row after row, headings first */
};

/* Columns on a terminal, as far as counting characters tells. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void add_row(whk_table_t *table, va_list cells)
{
    int i;

    for (i = 0; i < table->columns; i++) {
        const char *cell = va_arg(cells, const char *);

        APR_ARRAY_PUSH(table->cells, const char *) =
            cell && *cell ? whk_printable(table->pool, cell) : "-";
    }
}

whk_table_t *whk_table_create(apr_pool_t *pool, int columns, ...)
{
    whk_table_t *table = apr_palloc(pool, sizeof(*table));
    va_list headings;

    table->pool = pool;
    table->columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
    table->cells = apr_array_make(pool, 32, sizeof(const char *));
    va_start(headings, columns);
    add_row(table, headings);
    va_end(headings);
    return table;
}

void whk_table_row(whk_table_t *table, ...)
{
    va_list cells;

    va_start(cells, table);
    add_row(table, cells);
    va_end(cells);
}

static const char *cell_at(const whk_table_t *table, int row, int column)
{
    return APR_ARRAY_IDX(table->cells, row * table->columns + column, const char *);
}

static void print_row(const whk_table_t *table, int row, const int *widths)
{
    int column;

    for (column = 0; column < table->columns; column++) {
        const char *cell = cell_at(table, row, column);

        fputs(cell, stdout);
        if (column + 1 < table->columns)
            printf("%*s", widths[column] - width_of(cell) + 2, "");
    }
    putchar('\n');
}

void whk_table_print(const whk_table_t *table, const char *none)
{
    int widths[COLUMNS_MAX] = {0};
    int rows = table->cells->nelts / table->columns;
    int row, column;

    if (rows == 1) {
        puts(none);
        return;
    }
    for (row = 0; row < rows; row++)
        for (column = 0; column < table->columns; column++) {
            int width = width_of(cell_at(table, row, column));

            if (width > widths[column])
                widths[column] = width;
        }
    for (row = 0; row < rows; row++)
        print_row(table, row, widths);
}

const char *whk_print_time(apr_pool_t *pool, apr_time_t when)
{
    return when ? whk_time_format(pool, when) : NULL;
}

json_t *whk_print_time_json(apr_pool_t *pool, apr_time_t when)
{
    return when ? json_string(whk_time_format(pool, when)) : json_null();
}

int whk_print_json(json_t *value)
{
    /* A terminal might obey some of what JSON allows to stand as it is. */
    size_t flags = JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0);
    int failed = !value || json_dumpf(value, stdout, flags) != 0;

    json_decref(value);
    if (failed)
        return whk_refused("the answer could not be written as JSON");
    putchar('\n');
    return WHK_EXIT_DONE;
}
