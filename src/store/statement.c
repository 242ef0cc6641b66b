/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statement.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "store/schema_version.h"

/* A statement that went stale, as after a migration by another process, is prepared anew once, and
 * one that met a lost connection asked anew. */
#define TRIES 2

/* For how long lost connections are gone through. */
#define LOST_PATIENCE apr_time_from_sec(10)

/* A statement of ours, or a query of the operator's own. */
typedef struct {
    whk_statement_t statement;
    const char *query; /* NULL: it is ours */
} which_t;

/* As prepared by a connection. One that fails may be stale, as after a change of its table, and is
 * prepared anew; but not for each request while it goes on failing, since the driver keeps what was
 * prepared until the connection ends. */
typedef struct {
    apr_dbd_prepared_t *prepared;
    const char *label;
    apr_time_t renewed_at; /* by whk_clock_now(); 0: never */
} query_t;

#define RENEW_EVERY apr_time_from_sec(10)

static query_t *query_of(whk_store_t *store, const char *text)
{
    whk_session_t *session = store->session;
    apr_pool_t *pool = store->connection.pool;
    query_t *query;

    if (!session->queries)
        session->queries = apr_hash_make(pool);
    query = apr_hash_get(session->queries, text, APR_HASH_KEY_STRING);
    if (!query) {
        query = apr_pcalloc(pool, sizeof(*query));
        apr_hash_set(session->queries, apr_pstrdup(pool, text), APR_HASH_KEY_STRING, query);
    }
    return query;
}

/* A name, without which pgsql would have the text parsed and planned each time. */
static const char *label(whk_store_t *store, int number)
{
    return apr_psprintf(store->connection.pool, "whk_%d_%d", store->session->generation, number);
}

static const char *query_label(whk_store_t *store, query_t *query)
{
    if (!query->label)
        query->label = label(store, SQL_STATEMENT_COUNT + store->session->query_count++);
    return query->label;
}

/* What a statement that can't be prepared took goes with it. */
static const whk_outcome_t *prepare_text(whk_store_t *store, apr_pool_t *pool, const char *text,
                                         const char *name, apr_dbd_prepared_t **prepared)
{
    const whk_connection_t *connection = &store->connection;
    apr_pool_t *own;
    int code;

    apr_pool_create(&own, connection->pool);
    code = apr_dbd_prepare(connection->driver, own, connection->handle, text, name, prepared);
    if (!code)
        return NULL;
    *prepared = NULL;
    apr_pool_destroy(own);
    return whk_session_error(store, pool, "prepare a statement", code);
}

static const whk_outcome_t *prepare(whk_store_t *store, apr_pool_t *pool, which_t which,
                                    apr_dbd_prepared_t **prepared)
{
    whk_session_t *session = store->session;
    query_t *query = which.query ? query_of(store, which.query) : NULL;
    apr_dbd_prepared_t **place = query ? &query->prepared : &session->prepared[which.statement];

    /* Behind one that failed nothing of a transaction counts. */
    if (store->in_transaction && store->failure)
        return store->failure;
    if (!*place && query)
        WHK_TRY(prepare_text(store, pool, which.query, query_label(store, query), place));
    else if (!*place)
        WHK_TRY(prepare_text(store, pool, session->dialect->statements[which.statement],
                             label(store, (int)which.statement), place));
    *prepared = *place;
    return NULL;
}

/* After it failed. */
static void renew(whk_store_t *store, which_t which)
{
    query_t *query = which.query && store->session ? query_of(store, which.query) : NULL;
    apr_time_t now = whk_clock_now();

    if (!query || !query->prepared || (query->renewed_at && now - query->renewed_at < RENEW_EVERY))
        return;
    query->prepared = NULL;
    query->label = NULL;
    query->renewed_at = now;
}

/* Inside a transaction a failure is final: the whole of it is rolled back, and perhaps run again.
 */
static const whk_outcome_t *note(whk_store_t *store, const whk_outcome_t *outcome)
{
    if (outcome && store->in_transaction && !store->failure)
        store->failure = outcome;
    return outcome;
}

static const whk_outcome_t *write_row(whk_store_t *store, apr_pool_t *pool,
                                      whk_statement_t statement, const void **arguments, int *rows)
{
    apr_dbd_prepared_t *prepared;
    int code;

    WHK_TRY(prepare(store, pool, (which_t){statement, NULL}, &prepared));
    code = apr_dbd_pbquery(store->connection.driver, pool, store->connection.handle, rows, prepared,
                           arguments);
    return code ? whk_session_error(store, pool, "write", code) : NULL;
}

const whk_outcome_t *whk_statement_write(whk_store_t *store, apr_pool_t *pool,
                                         whk_statement_t statement, const void **arguments,
                                         int *rows)
{
    int changed = 0;

    if (!store->in_transaction)
        return whk_fail(
            pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0114) "a write that belongs into a transaction was tried outside of one");
    return note(store, write_row(store, pool, statement, arguments, rows ? rows : &changed));
}

static const whk_outcome_t *read_rows(whk_store_t *store, apr_pool_t *pool,
                                      apr_dbd_results_t *results, whk_row_reader read,
                                      apr_array_header_t *items)
{
    whk_row_t row = {.driver = store->connection.driver, .pool = pool};

    row.columns = apr_dbd_num_cols(row.driver, results);
    while (apr_dbd_get_row(row.driver, pool, results, &row.row, -1) == 0) {
        void *item = read(&row);

        if (row.corrupt)
            return whk_fail(
                pool, WHK_INTERNAL_ERROR,
                WHK_LOGNO(0115) "a row of the registry holds what this version can't have written: "
                                "run whkctl check, and look who else writes to the database");
        APR_ARRAY_PUSH(items, void *) = item;
    }
    return NULL;
}

static const whk_outcome_t *read_once(whk_store_t *store, apr_pool_t *pool, which_t which,
                                      const void **arguments, apr_dbd_results_t **results)
{
    apr_dbd_prepared_t *prepared;
    int code;

    *results = NULL;
    WHK_TRY(prepare(store, pool, which, &prepared));
    code = apr_dbd_pbselect(store->connection.driver, pool, store->connection.handle, results,
                            prepared, store->session->dialect->rows_at_random, arguments);
    return code ? whk_session_error(store, pool, "read", code) : NULL;
}

static const whk_outcome_t *read_patiently(whk_store_t *store, apr_pool_t *pool, which_t which,
                                           const void **arguments, whk_row_reader read,
                                           apr_array_header_t **items)
{
    const whk_outcome_t *outcome = NULL;
    apr_dbd_results_t *results;
    apr_time_t end = whk_clock_now() + LOST_PATIENCE;
    int again = 1;
    int tries;
    int lost = 0;

    *items = apr_array_make(pool, 8, sizeof(void *));
    for (tries = 0; tries < TRIES && again; tries++) {
        WHK_TRY(whk_session_acquire_current(store, pool));
        outcome = read_once(store, pool, which, arguments, &results);
        if (!outcome) {
            outcome = read_rows(store, pool, results, read, *items);
            whk_session_release(store);
            return outcome;
        }
        again = store->in_transaction ? 0 : whk_session_may_retry(store, pool);
        renew(store, which);
        if (again == WHK_CONNECTION_LOST && ++lost < WHK_LOST_MOST && whk_clock_now() < end)
            tries--;
        whk_session_release(store);
    }
    return note(store, outcome);
}

static const whk_outcome_t *read_and_measure(whk_store_t *store, apr_pool_t *pool, which_t which,
                                             const void **arguments, whk_row_reader read,
                                             apr_array_header_t **items)
{
    /* Within a transaction it is part of that. */
    int is_alone = !store->in_transaction;
    apr_time_t began = is_alone ? whk_clock_now() : 0;
    const whk_outcome_t *outcome = read_patiently(store, pool, which, arguments, read, items);

    if (is_alone)
        whk_metrics_observe(WHK_STORE_DURATION, WHK_OPERATION_READ, whk_clock_now() - began);
    if (is_alone && outcome && outcome->code == WHK_STORE_UNAVAILABLE)
        whk_metrics_count(WHK_STORE_ERRORS, WHK_OPERATION_READ, 0);
    return outcome;
}

const whk_outcome_t *whk_statement_read(whk_store_t *store, apr_pool_t *pool,
                                        whk_statement_t statement, const void **arguments,
                                        whk_row_reader read, apr_array_header_t **items)
{
    return read_and_measure(store, pool, (which_t){statement, NULL}, arguments, read, items);
}

const whk_outcome_t *whk_statement_read_query(whk_store_t *store, apr_pool_t *pool,
                                              const char *query, const void **arguments,
                                              whk_row_reader read, apr_array_header_t **items)
{
    return read_and_measure(store, pool, (which_t){SQL_STATEMENT_COUNT, query}, arguments, read,
                            items);
}

const whk_outcome_t *whk_statement_read_one(whk_store_t *store, apr_pool_t *pool,
                                            whk_statement_t statement, const void **arguments,
                                            whk_row_reader read, void **item)
{
    apr_array_header_t *items;

    *item = NULL;
    WHK_TRY(whk_statement_read(store, pool, statement, arguments, read, &items));
    if (items->nelts > 0)
        *item = APR_ARRAY_IDX(items, 0, void *);
    return NULL;
}

static void *read_count(whk_row_t *row)
{
    apr_int64_t *count = apr_palloc(row->pool, sizeof(*count));

    *count = whk_row_number(row, 0);
    return count;
}

const whk_outcome_t *whk_statement_count(whk_store_t *store, apr_pool_t *pool,
                                         whk_statement_t statement, const void **arguments,
                                         apr_int64_t *count)
{
    void *found;

    WHK_TRY(whk_statement_read_one(store, pool, statement, arguments, read_count, &found));
    *count = found ? *(apr_int64_t *)found : 0;
    return NULL;
}
