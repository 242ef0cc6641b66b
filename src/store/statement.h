/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_STORE_STATEMENT_H
#define WHK_STORE_STATEMENT_H

/**
 * @file store/statement.h
 * Private to the store: running the statements of a dialect on a connection, in and out of a
 * transaction.
 */

#include "store/dialect.h"
#include "store/store.h"

/** What a connection carries with it, for as long as it lives. */
typedef struct whk_session_t {
    const whk_dialect_t *dialect;
    int set_up;        /**< the dialect's set-up was run */
    int current;       /**< the schema is of our version */
    apr_int64_t stamp; /**< the dialect's schema_stamp before any statement was prepared */
    apr_dbd_prepared_t *prepared[SQL_STATEMENT_COUNT];
} whk_session_t;

struct whk_store_t {
    const whk_store_source_t *source;
    void *baton;
    whk_connection_t connection; /**< valid between take and give back */
    whk_session_t *session;      /**< NULL: no connection is held */
    int in_transaction;
    const whk_outcome_t *broken; /**< the first statement of the transaction that failed */
};

/** Take a connection and make sure that it is set up. Inside a transaction: the one that is held.
 */
const whk_outcome_t *whk_session_take(whk_store_t *store, apr_pool_t *pool, int need_schema);
void whk_session_give_back(whk_store_t *store);
/** Prepare everything anew at the next use. The driver keeps what was prepared before until the
 *  connection ends, so this is not for each failure. */
void whk_session_renew(whk_store_t *store);
/**
 * After a statement failed, outside transactions: where the schema was changed from outside, renew.
 * @return 1 where it did, so that another try is worth it
 */
int whk_session_renew_stale(whk_store_t *store, apr_pool_t *pool);
/** The number that a query answers, 0 where it answers none. @return the driver's error, or 0 */
int whk_session_number(whk_store_t *store, apr_pool_t *pool, const char *sql, apr_int64_t *number);
/** The source's lock, where the dialect has a single writer. */
const whk_outcome_t *whk_session_lock(whk_store_t *store, apr_pool_t *pool);
void whk_session_unlock(whk_store_t *store);

/** store_unavailable with the driver's own words for the log. */
const whk_outcome_t *whk_session_error(whk_store_t *store, apr_pool_t *pool, const char *doing,
                                       int code) __attribute__((returns_nonnull));

/**
 * Run a statement that answers no rows: inside a transaction as part of it, else as one of its own.
 * `arguments` are texts or pointers to apr_int64_t, in the statement's order; NULL is NULL.
 * @param rows set to how many rows it changed; may be NULL
 */
const whk_outcome_t *whk_statement_write(whk_store_t *store, apr_pool_t *pool,
                                         whk_statement_t statement, const void **arguments,
                                         int *rows);

/** [T] As whk_statement_write(), but an internal_error outside a transaction. */
const whk_outcome_t *whk_statement_write_in_transaction(whk_store_t *store, apr_pool_t *pool,
                                                        whk_statement_t statement,
                                                        const void **arguments, int *rows);

/** A row that is being read. */
typedef struct whk_row_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_row_t *row;
    apr_pool_t *pool;
    int flawed; /**< a column that must not be NULL is, or holds what can't be */
} whk_row_t;

/** Text of a column in the row's pool; NULL is a flaw. */
const char *whk_row_text(whk_row_t *row, int column);
/** As whk_row_text(), where NULL is allowed. */
const char *whk_row_text_or_null(whk_row_t *row, int column);
/** A number; NULL is 0. */
apr_int64_t whk_row_number(whk_row_t *row, int column);
/** A time stored as milliseconds; NULL is 0. */
apr_time_t whk_row_time(whk_row_t *row, int column);

/** Makes an item of a row; sets row->flawed where it can't. */
typedef void *(*whk_row_reader)(whk_row_t *row);

/** Run a statement that answers rows: `items` is set to an array of what `read` made of each. */
const whk_outcome_t *whk_statement_read(whk_store_t *store, apr_pool_t *pool,
                                        whk_statement_t statement, const void **arguments,
                                        whk_row_reader read, apr_array_header_t **items);

/** As whk_statement_read(), for at most one row: `item` is set to NULL where there is none. */
const whk_outcome_t *whk_statement_read_one(whk_store_t *store, apr_pool_t *pool,
                                            whk_statement_t statement, const void **arguments,
                                            whk_row_reader read, void **item);

/**
 * Whoever can write the database can have it answer a row that was not asked for, by a view in the
 * place of a table: whatever a row is found by must stand in it.
 * @return NULL where it does, or an internal_error
 */
const whk_outcome_t *whk_statement_check(apr_pool_t *pool, const char *wanted, const char *found);

/** A statement that answers one number. */
const whk_outcome_t *whk_statement_count(whk_store_t *store, apr_pool_t *pool,
                                         whk_statement_t statement, const void **arguments,
                                         apr_int64_t *count);

#endif
