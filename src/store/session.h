/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Private to the store: a connection while it is held, and what it carries from one use to the
 * next. */

#include "store/dialect.h"
#include "store/store.h"

/** What a connection carries with it, for as long as it lives. */
typedef struct whk_session_t {
    const whk_dialect_t *dialect;
    int set_up;        /**< the dialect's set-up was run */
    int current;       /**< the schema is of this version */
    int unfinished;    /**< a transaction may be open that could not be rolled back */
    int generation;    /**< grows with each reset: names of statements are used once */
    apr_int64_t stamp; /**< the dialect's schema_stamp before any statement was prepared */
    apr_dbd_prepared_t *prepared[SQL_STATEMENT_COUNT];
    struct apr_hash_t *queries; /**< the operator's own, by their text; NULL: none yet */
    int query_count;            /**< names of these that were used */
} whk_session_t;

/** What a transaction leaves behind, by which it is found out later whether it was committed. */
typedef struct whk_trace_t {
    const char *enterprise_id; /**< NULL: it leaves nothing by which it could be known */
    apr_int64_t event_id;
    const char *event_hash;
} whk_trace_t;

struct whk_store_t {
    const whk_store_source_t *source;
    void *baton;
    int is_patient;              /**< nobody else waits for its connection */
    whk_connection_t connection; /**< valid between acquire and release */
    whk_session_t *session;      /**< NULL: no connection is held */
    int in_transaction;
    const whk_outcome_t *failure; /**< the first statement of the transaction that failed */
    int conflict;                 /**< the last error was one by the dialect's is_conflict */
    const char *mend;             /**< what to run before another try; NULL: nothing */
    whk_trace_t trace;            /**< of the transaction, as far as it went */
};

/** Take a connection and make sure that it is set up. Inside a transaction: the one that is held.
 */
const whk_outcome_t *whk_session_acquire(whk_store_t *store, apr_pool_t *pool);
void whk_session_release(whk_store_t *store);

/** Set up and prepare everything anew at the next use. The driver keeps what was prepared before
 *  until the connection ends, so this is not for each failure. */
void whk_session_reset(whk_store_t *store);

/** Each lost connection shows itself by a failure, and a pool may be full of them: so many of these
 * do not count as tries. */
#define WHK_LOST_MOST 64
#define WHK_CONNECTION_LOST 2

/**
 * After something failed for sure, outside transactions: whether another try is worth it, since the
 * schema was changed from outside, or (WHK_CONNECTION_LOST) the connection had been lost. What went
 * stale is reset. */
int whk_session_may_retry(whk_store_t *store, apr_pool_t *pool);

/** Run a text that binds nothing. @return the driver's error, or 0 */
int whk_session_run(whk_store_t *store, const char *sql);

/** The number that a query answers, 0 where it answers none. @return the driver's error, or 0 */
int whk_session_number(whk_store_t *store, apr_pool_t *pool, const char *sql, apr_int64_t *number);

/** Run each text of a list that NULL ends. @return the driver's error, or 0 */
int whk_session_select_all(whk_store_t *store, apr_pool_t *pool, const char *const *sql);

/** The source's lock, where the dialect has a single writer. */
const whk_outcome_t *whk_session_lock(whk_store_t *store, apr_pool_t *pool);
void whk_session_unlock(whk_store_t *store);

/** store_unavailable with the driver's own words for the log. */
const whk_outcome_t *whk_session_error(whk_store_t *store, apr_pool_t *pool, const char *doing,
                                       int code) __attribute__((returns_nonnull));
