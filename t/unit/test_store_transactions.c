/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: all of it or nothing, one after another. */
#include "store/enterprises.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/otp_enrolments.h"
#include "store/transaction.h"
#include "store_fixture.h"

#include <apr_thread_proc.h>

/* ---- what the work decides ---- */

static void writes_that_need_a_transaction(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    whk_key_t key = make_key("acme", "one", "print");
    whk_event_t event = {.id = 1, .enterprise_id = "acme", .type = "t", .actor = "a", .hash = "h"};
    whk_enterprise_t *enterprise;
    whk_otp_enrolment_t *enrolment;
    int done;

    key.id = "1";
    good(whk_store_enterprise_get(store, pool, "acme", &enterprise));
    bad(whk_store_key_insert(store, pool, &key, &done), WHK_INTERNAL_ERROR, "transaction");
    bad(whk_store_key_revoke(store, pool, &key, &done), WHK_INTERNAL_ERROR, "transaction");
    bad(whk_store_event_insert(store, pool, &event), WHK_INTERNAL_ERROR, "transaction");
    bad(whk_store_enterprise_update(store, pool, enterprise), WHK_INTERNAL_ERROR, "transaction");
    bad(whk_store_enterprise_lock(store, pool, "acme", &enterprise), WHK_INTERNAL_ERROR,
        "transaction");
    bad(whk_store_otp_count_refusal(store, pool, "a", 0, 1, &enrolment, &done), WHK_INTERNAL_ERROR,
        "transaction");
    bad(whk_store_otp_lock(store, pool, "a", 1), WHK_INTERNAL_ERROR, "transaction");
    assert_string_equal(ask_sql(pool, fixture->link, "SELECT count(*) FROM whk_key", 0), "0");
}

static const whk_outcome_t *refusing_work(whk_store_t *store, void *key, apr_pool_t *pool)
{
    WHK_TRY(insert_work(store, key, pool));
    return whk_refuse(pool, WHK_ACTIVE_KEY_LIMIT, "as the work decided");
}

static void work_that_refuses_is_rolled_back(void **state)
{
    fixture_t *fixture = *state;
    whk_key_t key = make_key("acme", "one", "print");
    const whk_outcome_t *outcome;

    key.id = "1";
    outcome = whk_store_transaction(fixture->link->store, fixture->pool, refusing_work, &key);
    assert_non_null(outcome);
    assert_string_equal(outcome->message, "as the work decided");
    assert_string_equal(ask_sql(fixture->pool, fixture->link, "SELECT count(*) FROM whk_key", 0),
                        "0");
    good(insert(fixture, "acme", "one", "print"));
}

static const whk_outcome_t *nesting_work(whk_store_t *store, void *key, apr_pool_t *pool)
{
    return whk_store_transaction(store, pool, insert_work, key);
}

static void transactions_do_not_nest(void **state)
{
    fixture_t *fixture = *state;
    whk_key_t key = make_key("acme", "one", "print");

    key.id = "1";
    bad(whk_store_transaction(fixture->link->store, fixture->pool, nesting_work, &key),
        WHK_INTERNAL_ERROR, "inside another");
    good(insert(fixture, "acme", "one", "print"));
}

static void each_write_is_locked_and_no_read_is(void **state)
{
    fixture_t *fixture = *state;
    whk_key_t *key;
    int locked = fixture->link->locked;
    int by_us = is_driver("sqlite3");
    int done;

    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key));
    assert_int_equal(fixture->link->locked, locked);
    good(insert(fixture, "acme", "one", "print"));
    assert_int_equal(fixture->link->locked, locked + by_us);
    good(add_admin(fixture->link->store, fixture->pool, "acme", "bob", 0, &done));
    assert_int_equal(fixture->link->locked, locked + 2 * by_us);
}

/* ---- statements that fail ---- */

typedef struct {
    const char *event_type; /* NULL: the event is refused */
    int hide;               /* say that all went well */
    int runs;
} failing_t;

static const whk_outcome_t *failing_work(whk_store_t *store, void *failing_, apr_pool_t *pool)
{
    failing_t *failing = failing_;
    whk_key_t key = make_key("acme", "one", "print");
    whk_event_t event = {.id = 2,
                         .enterprise_id = "acme",
                         .type = failing->event_type,
                         .actor = "alice",
                         .hash = "hash"};
    const whk_outcome_t *outcome;
    whk_enterprise_t *enterprise;
    whk_key_t *found;
    int inserted;

    failing->runs++;
    key.id = "id";
    WHK_TRY(whk_store_enterprise_lock(store, pool, "acme", &enterprise));
    WHK_TRY(add_key(store, pool, &key, &inserted));
    assert_int_equal(inserted, 1);
    outcome = whk_store_event_insert(store, pool, &event);
    if (!failing->hide)
        return outcome;
    /* What comes after a failure fails too, whatever it is. */
    if (outcome)
        assert_non_null(whk_store_key_get(store, pool, "acme", "one", &found));
    return NULL;
}

static void assert_one_failed(fixture_t *fixture, int hide)
{
    failing_t failing = {NULL, hide, 0};
    whk_key_t *key;

    bad(whk_store_transaction(fixture->link->store, fixture->pool, failing_work, &failing),
        WHK_STORE_UNAVAILABLE, "can't write");
    assert_int_equal(failing.runs, is_driver("sqlite3") ? 1 : 2);
    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key));
    assert_null(key);
    assert_string_equal(ask_sql(fixture->pool, fixture->link, "SELECT count(*) FROM whk_event", 0),
                        "1");
}

static void a_failed_statement_fails_its_transaction(void **state)
{
    fixture_t *fixture = *state;
    failing_t failing = {"key.registered", 0, 0};

    run_sql(fixture->link,
            "INSERT INTO whk_event (enterprise_id, id, type, actor, at, hash) VALUES "
            "('acme', 1, 't', 'a', 0, 'h')");
    assert_one_failed(fixture, 0);
    assert_one_failed(fixture, 1);
    good(whk_store_transaction(fixture->link->store, fixture->pool, failing_work, &failing));
    assert_string_equal(ask_sql(fixture->pool, fixture->link, "SELECT count(*) FROM whk_event", 0),
                        "2");
}

/* A constraint that is judged at the end: every statement went well, the commit does not. */
static void a_commit_that_fails(void **state)
{
    fixture_t *fixture = *state;
    failing_t failing = {"key.registered", 0, 0};
    whk_key_t *key;

    SQLITE_ALONE();
    run_sql(fixture->link, "CREATE TABLE parent (id INTEGER PRIMARY KEY)");
    run_sql(fixture->link, "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE "
                           "INITIALLY DEFERRED)");
    run_sql(fixture->link, "CREATE TRIGGER late AFTER INSERT ON whk_event BEGIN INSERT INTO child "
                           "VALUES (1); END");
    bad(whk_store_transaction(fixture->link->store, fixture->pool, failing_work, &failing),
        WHK_STORE_UNAVAILABLE, "commit");
    assert_int_equal(failing.runs, 1);
    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key));
    assert_null(key);
    run_sql(fixture->link, "DROP TRIGGER late");
    good(whk_store_transaction(fixture->link->store, fixture->pool, failing_work, &failing));
}

static void triggers_keep_what_must_stay(void **state)
{
    static const char *const refused[] = {"DELETE FROM whk_key", "DELETE FROM whk_event",
                                          "UPDATE whk_event SET actor = 'b'",
                                          "UPDATE whk_key SET status = 'ACTIVE'"};
    fixture_t *fixture = *state;
    failing_t failing = {"key.registered", 0, 0};
    size_t i;

    good(whk_store_transaction(fixture->link->store, fixture->pool, failing_work, &failing));
    run_sql(fixture->link, "UPDATE whk_key SET status = 'REVOKED'");
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int rows = 0;

        assert_int_not_equal(apr_dbd_query(fixture->link->connection.driver,
                                           fixture->link->connection.handle, &rows, refused[i]),
                             0);
    }
}

/* ---- threads ---- */

#define THREADS 8
#define TRANSACTIONS 100

typedef struct {
    link_t *link;
    apr_pool_t *pool;
    int failed;
} worker_t;

static const whk_outcome_t *count_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    whk_enterprise_t *enterprise;
    whk_event_t event = {
        .enterprise_id = "acme", .type = "key.registered", .actor = "alice", .hash = "hash"};

    (void)baton;
    WHK_TRY(whk_store_enterprise_lock(store, pool, "acme", &enterprise));
    event.id = ++enterprise->event_count;
    WHK_TRY(whk_store_event_insert(store, pool, &event));
    return whk_store_enterprise_update(store, pool, enterprise);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *worker_)
{
    worker_t *worker = worker_;
    apr_array_header_t *list;
    int i;

    (void)thread;
    for (i = 0; i < TRANSACTIONS; i++) {
        worker->failed +=
            whk_store_transaction(worker->link->store, worker->pool, count_work, NULL) != NULL;
        worker->failed +=
            whk_store_event_walk(worker->link->store, worker->pool, "acme", 0, 5, &list) != NULL;
    }
    return NULL;
}

static void threads_that_write_at_once(void **state)
{
    fixture_t *fixture = *state;
    apr_thread_mutex_t *mutex;
    apr_thread_t *thread[THREADS];
    worker_t worker[THREADS];
    apr_status_t status;
    int i;

    apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, fixture->pool);
    for (i = 0; i < THREADS; i++) {
        /* Each has a pool that is no child of the others'. */
        apr_pool_create(&worker[i].pool, NULL);
        worker[i].link = open_link(worker[i].pool, fixture->file, mutex);
        worker[i].failed = 0;
    }
    for (i = 0; i < THREADS; i++)
        assert_int_equal(apr_thread_create(&thread[i], NULL, work, &worker[i], fixture->pool),
                         APR_SUCCESS);
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&status, thread[i]);
        assert_int_equal(worker[i].failed, 0);
        assert_int_equal(worker[i].link->acquired, worker[i].link->released);
        assert_int_equal(worker[i].link->locked, is_driver("sqlite3") ? TRANSACTIONS : 0);
        apr_pool_destroy(worker[i].pool);
    }
    assert_string_equal(ask_sql(fixture->pool, fixture->link,
                                "SELECT event_count || ' ' || (SELECT count(*) || ' ' || max(id) "
                                "FROM whk_event) FROM whk_enterprise",
                                0),
                        "800 800 800");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(writes_that_need_a_transaction),
        STORE_TEST(work_that_refuses_is_rolled_back),
        STORE_TEST(transactions_do_not_nest),
        STORE_TEST(each_write_is_locked_and_no_read_is),
        STORE_TEST(a_failed_statement_fails_its_transaction),
        STORE_TEST(a_commit_that_fails),
        STORE_TEST(triggers_keep_what_must_stay),
        STORE_TEST(threads_that_write_at_once),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
