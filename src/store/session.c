/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include <string.h>

#include "model/log_number.h"
#include "store/row.h"

/* Under this name a connection's pool keeps its session. */
#define SESSION_KEY "mod_webhook_keys session"

/* While another process repairs what a killed one left, a connection can't even read the schema,
 * and the driver does not wait for that as it does elsewhere. */
#define BUSY_TRIES 100
#define BUSY_WAIT apr_time_from_msec(20)

whk_store_t *whk_store_create(apr_pool_t *pool, const whk_store_source_t *source, void *baton)
{
    whk_store_t *store = apr_pcalloc(pool, sizeof(*store));

    store->source = source;
    store->baton = baton;
    return store;
}

static apr_status_t lend(void *baton, apr_pool_t *pool, whk_connection_t *connection)
{
    (void)pool;
    *connection = *(const whk_connection_t *)baton;
    return APR_SUCCESS;
}

static void take_back(void *baton, whk_connection_t *connection)
{
    (void)baton;
    (void)connection;
}

whk_store_t *whk_store_create_over(apr_pool_t *pool, whk_connection_t *connection)
{
    static const whk_store_source_t source = {lend, take_back, NULL, NULL, NULL};
    whk_store_t *store = whk_store_create(pool, &source, connection);

    store->is_patient = 1;
    return store;
}

const whk_outcome_t *whk_session_error(whk_store_t *store, apr_pool_t *pool, const char *doing,
                                       int code)
{
    const char *text = apr_dbd_error(store->connection.driver, store->connection.handle, code);
    const whk_dialect_t *dialect = store->session->dialect;

    store->conflict = dialect->is_conflict && dialect->is_conflict(code, text ? text : "");
    store->mend = dialect->mend ? dialect->mend(code) : NULL;
    return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                    WHK_LOGNO(0110) "the registry's database can't %s: %s (%d)", doing,
                    text ? text : "no reason given", code);
}

static const whk_outcome_t *find_session(whk_store_t *store, apr_pool_t *pool)
{
    const char *driver = apr_dbd_name(store->connection.driver);
    void *found = NULL;

    apr_pool_userdata_get(&found, SESSION_KEY, store->connection.pool);
    if (!found) {
        whk_session_t *made = apr_pcalloc(store->connection.pool, sizeof(*made));

        made->dialect = whk_dialect_of(driver);
        if (!made->dialect)
            return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                            WHK_LOGNO(0111) "DBDriver is \"%s\", but must be " WHK_DRIVERS, driver);
        apr_pool_userdata_setn(made, SESSION_KEY, NULL, store->connection.pool);
        found = made;
    }
    store->session = found;
    return NULL;
}

static int select_rows(whk_store_t *store, apr_pool_t *pool, const char *sql,
                       apr_dbd_results_t **results)
{
    *results = NULL;
    return apr_dbd_select(store->connection.driver, pool, store->connection.handle, results, sql,
                          store->session->dialect->rows_at_random);
}

int whk_session_run(whk_store_t *store, const char *sql)
{
    int rows;

    return apr_dbd_query(store->connection.driver, store->connection.handle, &rows, sql);
}

int whk_session_number(whk_store_t *store, apr_pool_t *pool, const char *sql, apr_int64_t *number)
{
    const whk_connection_t *connection = &store->connection;
    apr_dbd_results_t *results;
    whk_row_t row = {.driver = connection->driver, .pool = pool};
    int code = select_rows(store, pool, sql, &results);

    /* The first question after a change of the schema may be answered by that it has changed. */
    if (code)
        code = select_rows(store, pool, sql, &results);
    *number = 0;
    if (code)
        return code;
    if (apr_dbd_get_row(connection->driver, pool, results, &row.row, -1) == 0)
        *number = whk_row_number(&row, 0);
    /* To the end, or the connection takes no other question. */
    while (apr_dbd_get_row(connection->driver, pool, results, &row.row, -1) == 0)
        ;
    return 0;
}

static int read_stamp(whk_store_t *store, apr_pool_t *pool, apr_int64_t *stamp)
{
    const char *sql = store->session->dialect->schema_stamp;

    *stamp = 0;
    return sql ? whk_session_number(store, pool, sql, stamp) : 0;
}

/* A select, since some drivers take a row in answer to anything else for an error. */
static int run_patiently(whk_store_t *store, apr_pool_t *pool, const char *sql)
{
    int tries = 0;
    int code;

    for (;;) {
        apr_dbd_results_t *results;

        code = select_rows(store, pool, sql, &results);
        if (!code || code != store->session->dialect->busy || ++tries == BUSY_TRIES)
            return code;
        apr_sleep(BUSY_WAIT);
    }
}

int whk_session_select_all(whk_store_t *store, apr_pool_t *pool, const char *const *sql)
{
    int code = 0;

    for (; *sql && !code; sql++)
        code = run_patiently(store, pool, *sql);
    return code;
}

static const whk_outcome_t *run_set_up(whk_store_t *store, apr_pool_t *pool)
{
    const whk_dialect_t *dialect = store->session->dialect;
    int code = whk_session_select_all(store, pool, dialect->set_up);

    if (!code && store->is_patient && dialect->patience)
        code = whk_session_select_all(store, pool, dialect->patience);
    if (code)
        return whk_session_error(store, pool, "be set up", code);
    code = read_stamp(store, pool, &store->session->stamp);
    if (code)
        return whk_session_error(store, pool, "be read", code);
    store->session->set_up = 1;
    return NULL;
}

/* What one left open, the next would write into. */
static const whk_outcome_t *finish(whk_store_t *store, apr_pool_t *pool)
{
    int code = whk_session_run(store, "ROLLBACK");

    if (code)
        return whk_session_error(store, pool, "end a transaction", code);
    store->session->unfinished = 0;
    return NULL;
}

static const whk_outcome_t *prepare_connection(whk_store_t *store, apr_pool_t *pool)
{
    WHK_TRY(find_session(store, pool));
    if (store->session->unfinished)
        WHK_TRY(finish(store, pool));
    return store->session->set_up ? NULL : run_set_up(store, pool);
}

/* A connection that was lost since it was used last shows it in its set-up at the earliest: once
 * renewed by the driver it is as good as another. */
static const whk_outcome_t *prepare_patiently(whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = prepare_connection(store, pool);

    if (outcome && store->session && !store->session->dialect->is_file &&
        apr_dbd_check_conn(store->connection.driver, pool, store->connection.handle) == APR_SUCCESS)
        outcome = prepare_connection(store, pool);
    return outcome;
}

const whk_outcome_t *whk_session_acquire(whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    if (store->in_transaction)
        return NULL;
    store->conflict = 0;
    if (store->source->acquire(store->baton, pool, &store->connection) != APR_SUCCESS)
        return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                        WHK_LOGNO(0112) "no connection to the registry's database is to be had: "
                                        "see DBDParams, and whether DBDMax is too small");
    outcome = prepare_patiently(store, pool);
    if (outcome)
        whk_session_release(store);
    return outcome;
}

void whk_session_release(whk_store_t *store)
{
    if (store->in_transaction)
        return;
    store->session = NULL;
    store->source->release(store->baton, &store->connection);
}

void whk_session_reset(whk_store_t *store)
{
    memset(store->session->prepared, 0, sizeof(store->session->prepared));
    store->session->queries = NULL;
    store->session->set_up = 0;
    store->session->current = 0;
    store->session->generation++;
}

int whk_session_may_retry(whk_store_t *store, apr_pool_t *pool)
{
    int is_file = store->session->dialect->is_file;
    apr_int64_t stamp;

    /* One that the driver can't renew is dropped by its source, which makes another. */
    if (!is_file &&
        apr_dbd_check_conn(store->connection.driver, pool, store->connection.handle) != APR_SUCCESS)
        return WHK_CONNECTION_LOST;
    if (read_stamp(store, pool, &stamp) != 0 || stamp == store->session->stamp)
        return !is_file;
    whk_session_reset(store);
    return is_file ? 1 : WHK_CONNECTION_LOST;
}

const whk_outcome_t *whk_session_lock(whk_store_t *store, apr_pool_t *pool)
{
    if (!store->session->dialect->single_writer || !store->source->lock)
        return NULL;
    if (store->source->lock(store->baton) == APR_SUCCESS)
        return NULL;
    return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                    WHK_LOGNO(0113) "the lock around writes to the registry can't be taken: see "
                                    "the Mutex directive, and restart httpd");
}

void whk_session_unlock(whk_store_t *store)
{
    if (store->session->dialect->single_writer && store->source->unlock)
        store->source->unlock(store->baton);
}
