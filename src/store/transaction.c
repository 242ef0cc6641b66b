/* SPDX-License-Identifier: Apache-2.0 */
#include "store/transaction.h"
#include "store/schema_version.h"
#include "store/session.h"

/* Beside the second or so that the driver takes for each. */
#define PATIENT_TRIES 20
#define PATIENT_WAIT apr_time_from_msec(70)

/* An outcome's own kind of failure: what the work decided, or what the database could not do. */
static const whk_outcome_t *run_work(whk_store_t *store, apr_pool_t *pool, whk_transaction_fn work,
                                     void *baton)
{
    const whk_outcome_t *outcome;

    store->failure = NULL;
    store->in_transaction = 1;
    outcome = work(store, baton, pool);
    store->in_transaction = 0;
    return store->failure ? store->failure : outcome;
}

/* A connection whose commit failed may still be inside it, and would refuse every later one. */
static void abandon(whk_store_t *store)
{
    int rows;

    apr_dbd_query(store->connection.driver, store->connection.handle, &rows, "ROLLBACK");
}

static const whk_outcome_t *begin(whk_store_t *store, apr_pool_t *pool,
                                  apr_dbd_transaction_t **transaction, int *is_busy)
{
    const apr_dbd_driver_t *driver = store->connection.driver;
    int code = apr_dbd_transaction_start(driver, pool, store->connection.handle, transaction);
    const whk_outcome_t *outcome;

    if (!code)
        return NULL;
    *is_busy = code == store->session->dialect->busy;
    outcome = whk_session_error(store, pool, "begin a transaction", code);
    /* The driver may hang a transaction that never began on its handle. */
    if (*transaction) {
        apr_dbd_transaction_mode_set(driver, *transaction, APR_DBD_TRANSACTION_ROLLBACK);
        apr_dbd_transaction_end(driver, pool, *transaction);
        *transaction = NULL;
    }
    return outcome;
}

/* Who has a lock to queue at gets a turn. whkctl has none, and while httpd writes without a pause
 * it finds the database busy whenever the driver looks: so it looks at other moments, for longer.
 */
static const whk_outcome_t *begin_patiently(whk_store_t *store, apr_pool_t *pool,
                                            apr_dbd_transaction_t **transaction)
{
    int is_busy = 0;
    int tries;
    const whk_outcome_t *outcome = begin(store, pool, transaction, &is_busy);

    for (tries = 1; outcome && is_busy && !store->source->lock && tries <= PATIENT_TRIES; tries++) {
        apr_sleep(PATIENT_WAIT * tries / PATIENT_TRIES);
        is_busy = 0;
        outcome = begin(store, pool, transaction, &is_busy);
    }
    return outcome;
}

static const whk_outcome_t *try_once(whk_store_t *store, apr_pool_t *pool, whk_transaction_fn work,
                                     void *baton)
{
    const apr_dbd_driver_t *driver = store->connection.driver;
    apr_dbd_transaction_t *transaction = NULL;
    const whk_outcome_t *outcome;
    int code;

    WHK_TRY(begin_patiently(store, pool, &transaction));
    outcome = run_work(store, pool, work, baton);
    if (outcome)
        apr_dbd_transaction_mode_set(driver, transaction, APR_DBD_TRANSACTION_ROLLBACK);
    code = apr_dbd_transaction_end(driver, pool, transaction);
    if (code && !outcome) {
        outcome = whk_session_error(store, pool, "commit", code);
        abandon(store);
    }
    return outcome;
}

static const whk_outcome_t *try_locked(whk_store_t *store, apr_pool_t *pool,
                                       whk_transaction_fn work, void *baton)
{
    const whk_outcome_t *outcome;

    WHK_TRY(whk_session_lock(store, pool));
    outcome = try_once(store, pool, work, baton);
    whk_session_unlock(store);
    return outcome;
}

const whk_outcome_t *whk_store_transaction(whk_store_t *store, apr_pool_t *pool,
                                           whk_transaction_fn work, void *baton)
{
    const whk_outcome_t *outcome = NULL;
    int again = 1;
    int tries;

    if (store->in_transaction)
        return whk_fail(pool, WHK_INTERNAL_ERROR, "a transaction was begun inside another");
    for (tries = 0; tries < 2 && again; tries++) {
        store->failure = NULL;
        /* The connection first: nobody waits for one while holding the lock. */
        WHK_TRY(whk_session_acquire_current(store, pool));
        outcome = try_locked(store, pool, work, baton);
        /* A statement that failed was rolled back for sure, so the work may be done again. */
        again = store->failure && whk_session_reset_if_stale(store, pool);
        whk_session_release(store);
    }
    return outcome;
}
