/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Rows of a registry as text for a database's own client: COPY of PostgreSQL, INSERTs of several
 * rows for the others. An error, of the client too, ends the process. */

#include <apr_pools.h>
#include <stdio.h>

enum {
    ENTERPRISE,
    ADMIN,
    TOKEN,
    OTP,
    KEY,
    EVENT,
    MATERIAL,
    TABLES
};

/** @param driver  sqlite3, pgsql or mysql
 *  @param client  a command line for a shell, which takes statements on its standard input
 *  @param changes how many rows of ENTERPRISE there will be */
void loader_init(const char *driver, const char *client, apr_int64_t changes);

/** Before the first row, alone: numbers of changes that belong to the past, for all rows. */
void loader_prepare(void);

/** Start a client that loads. */
FILE *loader_start(void);

/** A row that the next loader_write() writes, as texts in the order of the table's columns; NULL is
 * NULL. The last one of an ENTERPRISE is the place of its change among all, from 1. */
void loader_add(int table, const char *const *fields);

/** How many rows were added. */
int loader_rows(int table);

/** Write what was added, as one transaction. */
void loader_write(FILE *loader);

/** Wait until the client has done all of it. */
void loader_end(FILE *loader);

/** Behind the last row, alone: what the loaders left for the first reader to do. */
void loader_finish(void);
