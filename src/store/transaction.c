/* SPDX-License-Identifier: Apache-2.0 */
#include "store/transaction.h"

#include <apr_general.h>
#include <string.h>

#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "store/row.h"
#include "store/schema_version.h"
#include "store/session.h"
#include "store/statement.h"

/* Beside the second or so that the driver takes for each. */
#define PATIENT_TRIES 20
#define PATIENT_WAIT apr_time_from_msec(70)

/* A failure that says nothing of what comes next is tried once more, on a connection that is good.
 */
#define TRIES 2

/* Who lost to another tries again for so long, after pauses of random length that grow to the
 * longest. */
#define CONFLICT_PATIENCE apr_time_from_sec(10)
#define CONFLICT_PAUSE apr_time_from_msec(4)
#define CONFLICT_PAUSE_MOST apr_time_from_msec(200)

/* How often, and how far apart, it is asked whether a commit happened that nobody answered. */
#define DOUBT_TRIES 20
#define DOUBT_PAUSE apr_time_from_msec(200)

/* How a try ended. */
typedef enum {
    FINISHED,         /* committed; or refused by the work, or by what would refuse it again */
    NOTHING_HAPPENED, /* for certain: what failed may be tried again */
    IN_DOUBT          /* the commit was sent, and not answered by a plain yes or no */
} ending_t;

static const whk_outcome_t *run_work(whk_store_t *store, apr_pool_t *pool, whk_transaction_fn work,
                                     void *baton)
{
    const whk_outcome_t *outcome;

    store->failure = NULL;
    store->trace.enterprise_id = NULL;
    store->in_transaction = 1;
    outcome = work(store, baton, pool);
    store->in_transaction = 0;
    return store->failure ? store->failure : outcome;
}

/* A file's driver says no where there is nothing to roll back. */
static void roll_back(whk_store_t *store)
{
    if (whk_session_run(store, "ROLLBACK") != 0)
        store->session->unfinished = !store->session->dialect->is_file;
}

static const whk_outcome_t *begin(whk_store_t *store, apr_pool_t *pool, int *is_busy)
{
    int code = whk_session_run(store, store->session->dialect->begin);

    if (!code)
        return NULL;
    /* It may have begun, and then been refused what it said next. */
    store->session->unfinished = !store->session->dialect->is_file;
    *is_busy = code == store->session->dialect->busy;
    return whk_session_error(store, pool, "begin a transaction", code);
}

/* Who has a lock to queue at gets a turn. whkctl has none, and while httpd writes without a pause
 * it finds the database busy whenever the driver looks: so it looks at other moments, for longer.
 */
static const whk_outcome_t *begin_patiently(whk_store_t *store, apr_pool_t *pool)
{
    int is_busy = 0;
    int tries;
    const whk_outcome_t *outcome = begin(store, pool, &is_busy);

    for (tries = 1; outcome && is_busy && !store->source->lock && tries <= PATIENT_TRIES; tries++) {
        apr_sleep(PATIENT_WAIT * tries / PATIENT_TRIES);
        is_busy = 0;
        outcome = begin(store, pool, &is_busy);
    }
    return outcome;
}

static const whk_outcome_t *commit(whk_store_t *store, apr_pool_t *pool, ending_t *ending)
{
    int most = store->session->dialect->commit_timeout;
    apr_time_t began = whk_clock_now();
    int code = whk_session_run(store, "COMMIT");
    const whk_outcome_t *outcome;

    *ending = FINISHED;
    if (!code && (!most || whk_clock_now() - began < apr_time_from_msec(most)))
        return NULL;
    *ending = IN_DOUBT;
    if (!code)
        return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                        WHK_LOGNO(0116) "the registry's database took longer than %d ms for a "
                                        "commit, and whether it has it for good could not be found "
                                        "out: is its standby there?",
                        most);
    outcome = whk_session_error(store, pool, "commit", code);
    if (store->conflict)
        *ending = NOTHING_HAPPENED;
    else if (store->session->dialect->is_file)
        *ending = FINISHED;
    /* It may still be open, and would refuse every later one. */
    roll_back(store);
    return outcome;
}

/* ---- was it committed? ---- */

static void *read_text(whk_row_t *row)
{
    return (void *)whk_row_text(row, 0);
}

/* Inside a transaction. The enterprise's lock first: while whoever serves the lost connection is
 * still at the commit, this waits for it. */
static const whk_outcome_t *look_for(whk_store_t *store, apr_pool_t *pool, const whk_trace_t *trace,
                                     int *is_there)
{
    const void *enterprise[] = {trace->enterprise_id};
    const void *event[] = {trace->enterprise_id, &trace->event_id};
    void *found;

    *is_there = 0;
    WHK_TRY(
        whk_statement_read_one(store, pool, SQL_ENTERPRISE_LOCK, enterprise, read_text, &found));
    WHK_TRY(whk_statement_read_one(store, pool, SQL_EVENT_HASH, event, read_text, &found));
    *is_there = found && !strcmp(found, trace->event_hash);
    return NULL;
}

typedef struct {
    whk_transaction_fn work;
    void *baton;
    whk_trace_t
        doubt; /* of a try before, of which nobody knows; enterprise_id NULL: there is none */
    int is_settled;
} attempt_t;

/* The work, where it was not done already. */
static const whk_outcome_t *settle_or_work(whk_store_t *store, void *attempt_, apr_pool_t *pool)
{
    attempt_t *attempt = attempt_;

    attempt->is_settled = 0;
    if (attempt->doubt.enterprise_id)
        WHK_TRY(look_for(store, pool, &attempt->doubt, &attempt->is_settled));
    return attempt->is_settled ? NULL : attempt->work(store, attempt->baton, pool);
}

/* ---- a try ---- */

static const whk_outcome_t *try_once(whk_store_t *store, apr_pool_t *pool, attempt_t *attempt,
                                     ending_t *ending)
{
    const whk_outcome_t *outcome;

    *ending = NOTHING_HAPPENED;
    store->conflict = 0;
    store->failure = NULL;
    WHK_TRY(begin_patiently(store, pool));
    outcome = run_work(store, pool, settle_or_work, attempt);
    if (!outcome)
        /* Also what only looked: its commit waits for a standby as the one in doubt did. */
        return commit(store, pool, ending);
    roll_back(store);
    *ending = store->failure ? NOTHING_HAPPENED : FINISHED;
    return outcome;
}

static const whk_outcome_t *try_locked(whk_store_t *store, apr_pool_t *pool, attempt_t *attempt,
                                       ending_t *ending)
{
    const whk_outcome_t *outcome;

    *ending = FINISHED;
    WHK_TRY(whk_session_lock(store, pool));
    outcome = try_once(store, pool, attempt, ending);
    whk_session_unlock(store);
    return outcome;
}

/* ---- tries ---- */

typedef struct {
    apr_time_t end; /* of what a conflict may take */
    apr_interval_time_t pause;
    int failures;
    int lost; /* connections */
    int doubts;
} patience_t;

/* Two that met once would meet again, were they to come back at the same moment. */
static int pause_for_conflict(patience_t *patience)
{
    unsigned int random = 0;

    if (whk_clock_now() >= patience->end)
        return 0;
    apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    apr_sleep(1 + random % patience->pause);
    patience->pause *= 2;
    if (patience->pause > CONFLICT_PAUSE_MOST)
        patience->pause = CONFLICT_PAUSE_MOST;
    return 1;
}

static int pause_for_doubt(patience_t *patience)
{
    int is_first = patience->doubts++ == 0;

    if (!is_first && (patience->doubts >= DOUBT_TRIES || whk_clock_now() >= patience->end))
        return 0;
    apr_sleep(DOUBT_PAUSE);
    return 1;
}

static int may_try_again(whk_store_t *store, apr_pool_t *pool, patience_t *patience)
{
    int again = whk_session_may_retry(store, pool);

    if (again == WHK_CONNECTION_LOST && ++patience->lost < WHK_LOST_MOST &&
        whk_clock_now() < patience->end)
        return 1;
    return again && ++patience->failures < TRIES;
}

/* After a try that did not finish, while its connection is held. */
static int is_worth_another(whk_store_t *store, apr_pool_t *pool, attempt_t *attempt,
                            ending_t ending, patience_t *patience)
{
    if (ending == NOTHING_HAPPENED && store->conflict) {
        apr_int64_t ignored;

        if (store->mend && !store->session->unfinished)
            whk_session_number(store, pool, store->mend, &ignored);
        return pause_for_conflict(patience);
    }
    if (ending == IN_DOUBT && !attempt->is_settled)
        attempt->doubt = store->trace;
    if (attempt->doubt.enterprise_id) {
        whk_session_may_retry(store, pool);
        return pause_for_doubt(patience);
    }
    return ending == NOTHING_HAPPENED && may_try_again(store, pool, patience);
}

static const whk_outcome_t *run(whk_store_t *store, apr_pool_t *pool, whk_transaction_fn work,
                                void *baton)
{
    attempt_t attempt = {work, baton, {NULL, 0, NULL}, 0};
    patience_t patience = {whk_clock_now() + CONFLICT_PATIENCE, CONFLICT_PAUSE, 0, 0, 0};
    const whk_outcome_t *outcome;
    int again = 1;

    if (store->in_transaction)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0117) "a transaction was begun inside another");
    while (again) {
        ending_t ending;

        /* The connection first: nobody waits for one while holding the lock. */
        outcome = whk_session_acquire_current(store, pool);
        if (outcome) {
            again = attempt.doubt.enterprise_id && pause_for_doubt(&patience);
            continue;
        }
        outcome = try_locked(store, pool, &attempt, &ending);
        again = ending != FINISHED && is_worth_another(store, pool, &attempt, ending, &patience);
        whk_session_release(store);
    }
    return outcome;
}

const whk_outcome_t *whk_store_transaction(whk_store_t *store, apr_pool_t *pool,
                                           whk_transaction_fn work, void *baton)
{
    apr_time_t began = whk_clock_now();
    const whk_outcome_t *outcome = run(store, pool, work, baton);

    whk_metrics_observe(WHK_STORE_DURATION, WHK_OPERATION_WRITE, whk_clock_now() - began);
    if (outcome && outcome->code == WHK_STORE_UNAVAILABLE)
        whk_metrics_count(WHK_STORE_ERRORS, WHK_OPERATION_WRITE, 0);
    return outcome;
}
