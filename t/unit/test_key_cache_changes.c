/* SPDX-License-Identifier: Apache-2.0 */
/* The key cache while the registry changes: by many threads, by a restore, and by sets that end. */

#include "key_cache_fixture.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- many threads ---- */

#define THREADS 8

static _Atomic int over;
static _Atomic int revoked_count;
static _Atomic int outcomes[3]; /* right, 5xx, other */
static _Atomic int together;    /* threads that are ready */
static _Atomic int asked_beside;

static const char *nth(apr_pool_t *pool, int i)
{
    return apr_psprintf(pool, "key %d", i);
}

/* Whoever asks after a revoke was acknowledged learns of it, whatever else changes meanwhile. */
static void *ask_for_revoked(void *file)
{
    apr_pool_t *pool;
    apr_pool_t *request;
    link_t *link;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    link = open_link(pool, file, NULL);
    apr_pool_create(&request, pool);
    while (!over) {
        int count = revoked_count;
        whk_held_key_t *key;
        const whk_outcome_t *outcome;

        outcome =
            whk_held_key_find(world.cache, link->store, "acme", nth(request, count), &key, request);
        outcomes[!outcome                                ? 2
                 : outcome->code == WHK_KEY_REVOKED      ? 0
                 : whk_code_status(outcome->code) >= 500 ? 1
                                                         : 2]++;
        apr_pool_clear(request);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void *change_slot(void *unused)
{
    while (!over) {
        whk_count_change(&world.counters, "acme");
        usleep(2000);
    }
    return unused;
}

static void a_slot_that_changes_all_the_time(void **state)
{
    fixture_t *fixture = *state;
    pthread_t threads[THREADS + 1];
    int i;

    over = revoked_count = outcomes[0] = outcomes[1] = outcomes[2] = 0;
    change_here(register_work, "acme", nth(fixture->pool, 0), 0);
    change_here(revoke_work, "acme", nth(fixture->pool, 0), 0);
    assert_int_equal(pthread_create(&threads[THREADS], NULL, change_slot, NULL), 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_revoked, (void *)fixture->file),
                         0);
    for (i = 1; i <= 50; i++) {
        change_here(register_work, "acme", nth(fixture->pool, i), i);
        change_here(revoke_work, "acme", nth(fixture->pool, i), 0);
        revoked_count = i;
        usleep(20000);
    }
    over = 1;
    for (i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    print_message("# %d right, %d unavailable, %d wrong\n", outcomes[0], outcomes[1], outcomes[2]);
    assert_true(outcomes[0] > 100);
    assert_int_equal(outcomes[1], 0);
    assert_int_equal(outcomes[2], 0);
}

static void *ask_at_once(void *file)
{
    apr_pool_t *pool;
    link_t *link;
    whk_held_key_t *key;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    link = open_link(pool, file, NULL);
    together++;
    while (together < THREADS)
        usleep(100);
    good(whk_held_key_find(world.cache, link->store, "acme", "one", &key, pool));
    asked_beside += link->acquired;
    apr_pool_destroy(pool);
    return NULL;
}

/* Who waited for a poll that began after it came takes its result. */
static void no_herd(void **state)
{
    fixture_t *fixture = *state;
    pthread_t threads[THREADS];
    int i;

    together = asked_beside = 0;
    change_here(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    whk_count_change(&world.counters, "acme");
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_at_once, (void *)fixture->file), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(asked_beside, 1);
}

/* ---- more changes than a page holds ---- */

/* A node that was just started, of a registry with many enterprises. */
static void fill_and_start(void)
{
    run_sql(
        world.fixture->link,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT "
        "INTO whk_enterprise (enterprise_id, created_at, revision, change_number) SELECT 'many-'"
        " || i, 1, 1, 1 FROM n");
    change_by(register_work, "acme", "one", 0);
    change_by(register_work, "acme", "two", 1);
}

static void a_request_does_not_wait_for_them(void **state)
{
    int before;

    (void)state;
    SQLITE_ALONE();
    fill_and_start();
    good(find("acme", "one"));
    assert_int_equal(whk_directory_is_behind(&world.cache->directory), 1);
    /* What it was told serves for a lag, and what changes here counts at once. */
    before = asked();
    good(find("acme", "two"));
    refused(find("acme", "three"), WHK_UNKNOWN_KEY);
    assert_int_equal(asked(), before);
    refused(find("nobody", "one"), WHK_UNKNOWN_KEY);
    assert_int_equal(asked(), before + 1);
    change_here(revoke_work, "acme", "one", 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    assert_int_equal(whk_directory_is_behind(&world.cache->directory), 1);
    change_by(revoke_work, "acme", "two", 1);
    good(find("acme", "two"));
    stepped_monotonic += LAG + 1;
    refused(find("acme", "two"), WHK_KEY_REVOKED);
    poll_now();
    assert_int_equal(whk_directory_is_behind(&world.cache->directory), 0);
    /* What changed here since these were begun to be listed. */
    poll_now();
    before = asked();
    refused(find("acme", "two"), WHK_KEY_REVOKED);
    refused(find("nobody", "one"), WHK_UNKNOWN_KEY);
    assert_int_equal(asked(), before);
}

static void the_store_away_meanwhile(void **state)
{
    fixture_t *fixture = *state;

    SQLITE_ALONE();
    make_key_cache(apr_time_from_sec(1), apr_time_from_sec(60));
    fill_and_start();
    good(find("acme", "one"));
    fixture->link->refuse = 1;
    stepped_monotonic += apr_time_from_sec(30);
    good(find("acme", "one"));
    refused(find("nobody", "one"), WHK_STORE_UNAVAILABLE);
    refused(find("acme", "three"), WHK_STORE_UNAVAILABLE);
    /* Nobody asks again at once. */
    fixture->link->refuse = 0;
    refused(find("nobody", "one"), WHK_STORE_UNAVAILABLE);
    stepped_monotonic += apr_time_from_sec(2);
    refused(find("nobody", "one"), WHK_UNKNOWN_KEY);
    fixture->link->refuse = 1;
    stepped_monotonic += apr_time_from_sec(61);
    refused(find("acme", "one"), WHK_STORE_UNAVAILABLE);
    fixture->link->refuse = 0;
}

/* ---- another process that does not do its part ---- */

/* One that was stopped while it polled. */
static pid_t hold_lock(void)
{
    pid_t holder = fork();

    if (!holder) {
        apr_global_mutex_lock(world.mutex);
        pause();
    }
    while (apr_global_mutex_trylock(world.mutex) == APR_SUCCESS)
        apr_global_mutex_unlock(world.mutex);
    return holder;
}

static void end_holder(pid_t holder)
{
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
}

static void a_lock_that_is_not_given_back(void **state)
{
    apr_time_t began;
    pid_t holder;

    (void)state;
    change_by(register_work, "acme", "one", 0);
    change_by(register_work, "acme", "two", 1);
    good(find("acme", "one"));
    holder = hold_lock();
    good(find("acme", "one"));
    change_here(revoke_work, "acme", "one", 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    /* It was waited for once. */
    stepped_monotonic += apr_time_from_sec(3);
    change_here(revoke_work, "acme", "two", 1);
    began = apr_time_now();
    refused(find("acme", "two"), WHK_KEY_REVOKED);
    refused(find("nobody", "one"), WHK_UNKNOWN_KEY);
    assert_true(apr_time_now() - began < apr_time_from_sec(1));
    end_holder(holder);
    poll_now();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
}

/* What another node changed counts within the lag all the same. */
static void a_lock_that_is_not_given_back_for_a_lag(void **state)
{
    fixture_t *fixture = *state;
    pid_t holder;

    make_key_cache(apr_time_from_sec(1), apr_time_from_sec(60));
    change_by(register_work, "acme", "one", 0);
    change_by(register_work, "acme", "two", 1);
    good(find("acme", "one"));
    holder = hold_lock();
    change_by(revoke_work, "acme", "one", 0);
    stepped_monotonic += apr_time_from_msec(1100);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    /* Where the store is away too, what is known serves on. */
    fixture->link->refuse = 1;
    stepped_monotonic += apr_time_from_sec(5);
    good(find("acme", "two"));
    fixture->link->refuse = 0;
    end_holder(holder);
}

/* Its connections are gone, and those of the others are good. */
static void a_process_that_can_not_ask(void **state)
{
    fixture_t *fixture = *state;
    link_t *well = open_link(fixture->pool, fixture->file, NULL);
    whk_key_cache_t *other = make_process(LAG, LAG, CACHE_SIZE);
    apr_interval_time_t interval = apr_time_from_sec(1);

    apr_pool_create(&world.request, fixture->pool);
    change_by(register_work, "acme", "one", 0);
    poll_now();
    fixture->link->refuse = 1;
    stepped_monotonic += interval;
    refused(whk_change_poll_if_due(world.cache->poll, fixture->link->store, interval, NULL,
                                   fixture->pool),
            WHK_STORE_UNAVAILABLE);
    stepped_monotonic += interval + interval / 2;
    /* It leaves the next one to another, whose requests may ask as before. */
    good(whk_change_poll_if_due(world.cache->poll, fixture->link->store, interval, NULL,
                                fixture->pool));
    assert_int_equal(whk_change_poll_may_ask(other->poll), 1);
    assert_int_equal(well->acquired, 0);
    good(whk_change_poll_if_due(other->poll, well->store, interval, NULL, fixture->pool));
    assert_int_equal(well->acquired, 1);
    fixture->link->refuse = 0;
}

/* ---- the mark ---- */

/* Numbers that were given and left nothing may be given again, after a crash. */
static void the_mark_is_of_what_is_there(void **state)
{
    const whk_change_query_t query = {1, "", ""};
    fixture_t *fixture = *state;
    whk_change_page_t page;
    int i;

    change_by(register_work, "acme", "one", 0);
    for (i = 0; is_driver("pgsql") && i < 5; i++)
        run_sql(fixture->link, "DO $$ BEGIN PERFORM pg_current_xact_id(); END $$");
    good(whk_store_change_list(fixture->link->store, fixture->pool, &query, &page));
    assert_int_equal(page.changes->nelts, 1);
    assert_true(page.mark <= APR_ARRAY_IDX(page.changes, 0, const whk_change_t *)->number);
}

/* ---- a registry that goes back ---- */

static void an_older_registry(void **state)
{
    fixture_t *fixture = *state;

    change_by(register_work, "acme", "one", 0);
    change_by(register_work, "acme", "two", 1);
    poll_now();
    good(find("acme", "one"));
    change_by(revoke_work, "acme", "one", 0);
    change_by(revoke_work, "acme", "two", 1);
    poll_now();
    poll_now();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    assert_int_equal(world.restored, 0);
    /* As it was before the revokes. */
    drop_trigger(fixture->link, "whk_key_stays_revoked", "whk_key");
    run_sql(fixture->link, "UPDATE whk_key SET status = 'ACTIVE', revoked_at = NULL, revoked_by = "
                           "NULL");
    reseal_key(fixture, "acme", "one");
    reseal_key(fixture, "acme", "two");
    run_sql(fixture->link, "UPDATE whk_enterprise SET revision = 2, change_number = 2");
    poll_now();
    assert_int_equal(world.restored, 1);
    good(find("acme", "one"));
    /* What happens now is seen, though its revision was seen before. */
    change_by(revoke_work, "acme", "one", 0);
    poll_now();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    good(find("acme", "two"));
    assert_int_equal(world.restored, 1);
}

/* The number of the last change is somebody else's, or its enterprise is further, but not by us. */
static void another_registry(void **state)
{
    static const char *const changes[] = {
        "UPDATE whk_enterprise SET revision = 9 WHERE enterprise_id = 'acme'",
        ("UPDATE whk_enterprise SET change_number = CASE enterprise_id WHEN 'acme' THEN 1 ELSE 2 "
         "END"),
        "UPDATE whk_enterprise SET change_number = 7 WHERE enterprise_id = 'acme'",
        "UPDATE whk_enterprise SET change_number = 7, revision = 9 WHERE enterprise_id = 'acme'",
    };
    fixture_t *fixture = *state;
    int i;

    /* Elsewhere the database numbers. */
    SQLITE_ALONE();
    add_enterprise(fixture, "globex");
    change_by(register_work, "globex", "one", 0);
    change_by(register_work, "acme", "one", 0);
    poll_now();
    for (i = 0; i < 3; i++) {
        run_sql(fixture->link, changes[i]);
        world.counters.restore_reported = 0;
        poll_now();
        assert_int_equal(world.restored, i + 1);
    }
    /* A newer revision with a newer number is how it goes. */
    run_sql(fixture->link,
            "UPDATE whk_enterprise SET change_number = 8, revision = 10 WHERE enterprise_id = "
            "'acme'");
    poll_now();
    assert_int_equal(world.restored, 3);
    /* Told once a node. */
    run_sql(fixture->link, "UPDATE whk_enterprise SET change_number = 1");
    world.counters.restore_reported = 0;
    poll_now();
    run_sql(fixture->link, "UPDATE whk_enterprise SET change_number = 0, revision = 0");
    poll_now();
    assert_int_equal(world.restored, 4);
}

/* ---- sets by URI ---- */

static void set_by_uri(apr_interval_time_t fresh_for)
{
    run_sql(world.fixture->link, "DELETE FROM whk_remote_set");
    run_sql(world.fixture->link,
            apr_psprintf(world.fixture->pool,
                         "INSERT INTO whk_remote_set (uri, refresh_at, fresh_until) VALUES "
                         "('https://a/', 0, %" APR_INT64_T_FMT ")",
                         apr_time_as_msec(apr_time_now() + fresh_for)));
}

static void register_by_uri(apr_interval_time_t fresh_for)
{
    change_here(register_work, "acme", "one", 0);
    run_sql(world.fixture->link, "UPDATE whk_key SET jwks_uri = 'https://a/'");
    reseal_key(world.fixture, "acme", "one");
    set_by_uri(fresh_for);
}

/* Though no background task writes it down. */
static void a_set_ends(void **state)
{
    int before;

    make_key_cache(LAG, apr_time_from_sec(60));
    register_by_uri(apr_time_from_sec(100));
    good(find("acme", "one"));
    pass(155);
    good(find("acme", "one"));
    pass(10);
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
    before = asked();
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
    assert_int_equal(asked(), before);
    /* A refresh is no change of the enterprise. */
    set_by_uri(apr_time_from_sec(100));
    pass(1);
    good(find("acme", "one"));
    before = asked();
    pass(100);
    good(find("acme", "one"));
    /* That was a poll. */
    assert_int_equal(asked(), before + 1);
    (void)state;
}

static void a_set_ends_in_a_listing(void **state)
{
    fixture_t *fixture = *state;
    apr_array_header_t *keys;
    int total;

    make_key_cache(LAG, apr_time_from_sec(60));
    register_by_uri(apr_time_from_sec(100));
    good(whk_held_key_find_ed25519(world.cache, fixture->link->store, "acme", 16, &keys, &total,
                                   world.request));
    pass(165);
    refused(whk_held_key_find_ed25519(world.cache, fixture->link->store, "acme", 16, &keys, &total,
                                      world.request),
            WHK_UNKNOWN_KEY);
    set_by_uri(apr_time_from_sec(100));
    pass(1);
    good(whk_held_key_find_ed25519(world.cache, fixture->link->store, "acme", 16, &keys, &total,
                                   world.request));
}

static void a_set_ends_whatever_clocks_say(void **state)
{
    (void)state;
    make_key_cache(LAG, apr_time_from_sec(60));
    register_by_uri(apr_time_from_sec(100));
    good(find("acme", "one"));
    stepped_wall -= apr_time_from_sec(150);
    pass(165);
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
    /* Written under a clock that was a year ahead: it serves as what is over does. */
    set_by_uri(apr_time_from_sec(365 * 86400));
    pass(1);
    good(find("acme", "one"));
    pass(59);
    good(find("acme", "one"));
    pass(2);
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
    pass(2);
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
    /* Good for no longer than WebhookKeysJwksUriRefresh. */
    set_by_uri(REFRESH + apr_time_from_sec(30));
    pass(1);
    good(find("acme", "one"));
    pass(362);
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
}

static void a_key_without_its_set(void **state)
{
    (void)state;
    register_by_uri(0);
    run_sql(world.fixture->link, "DELETE FROM whk_remote_set");
    refused(find("acme", "one"), WHK_JWKS_URI_UNREACHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_CACHE_TEST(a_slot_that_changes_all_the_time),
        KEY_CACHE_TEST(no_herd),
        KEY_CACHE_TEST(a_request_does_not_wait_for_them),
        KEY_CACHE_TEST(the_store_away_meanwhile),
        KEY_CACHE_TEST(a_lock_that_is_not_given_back),
        KEY_CACHE_TEST(a_lock_that_is_not_given_back_for_a_lag),
        KEY_CACHE_TEST(a_process_that_can_not_ask),
        KEY_CACHE_TEST(the_mark_is_of_what_is_there),
        KEY_CACHE_TEST(an_older_registry),
        KEY_CACHE_TEST(another_registry),
        KEY_CACHE_TEST(a_set_ends),
        KEY_CACHE_TEST(a_set_ends_in_a_listing),
        KEY_CACHE_TEST(a_set_ends_whatever_clocks_say),
        KEY_CACHE_TEST(a_key_without_its_set),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
