/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Private to the store: running the statements of a dialect, in and out of a transaction. */

#include "store/dialect.h"
#include "store/row.h"
#include "store/session.h"

/**
 * [T] Run a statement that answers no rows. `arguments` are texts or pointers to apr_int64_t, in
 * the statement's order; NULL is NULL. For one that is a transaction of its own: store/write.h.
 * @param rows set to how many rows it changed; may be NULL */
const whk_outcome_t *whk_statement_write(whk_store_t *store, apr_pool_t *pool,
                                         whk_statement_t statement, const void **arguments,
                                         int *rows);

/** Run a statement that answers rows: `items` is set to an array of what `read` made of each. */
const whk_outcome_t *whk_statement_read(whk_store_t *store, apr_pool_t *pool,
                                        whk_statement_t statement, const void **arguments,
                                        whk_row_reader read, apr_array_header_t **items);

/** The same for a query of the operator's own, whose text is `query`: its arguments are texts, `%s`
 * in it. */
const whk_outcome_t *whk_statement_read_query(whk_store_t *store, apr_pool_t *pool,
                                              const char *query, const void **arguments,
                                              whk_row_reader read, apr_array_header_t **items);

/** As whk_statement_read(), for at most one row: `item` is set to NULL where there is none. */
const whk_outcome_t *whk_statement_read_one(whk_store_t *store, apr_pool_t *pool,
                                            whk_statement_t statement, const void **arguments,
                                            whk_row_reader read, void **item);

/** A statement that answers one number. */
const whk_outcome_t *whk_statement_count(whk_store_t *store, apr_pool_t *pool,
                                         whk_statement_t statement, const void **arguments,
                                         apr_int64_t *count);
