/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets by URI, fetched again: when, by whom, and what ends where none comes. */

#include "jwk_set_refresh_fixture.h"
#include "store/remote_sets.h"

static void failures_back_off(void **state)
{
    (void)state;
    run_now();
    answer("500 Oops", "", "");
    run_now();
    asks(FAILURES, "1");
    assert_next(4, 5);
    run_now();
    assert_null(strstr(origin.asked, "If-None-Match"));
    assert_next(9, 10);
    run_now();
    assert_next(18, 20);
    run_now();
    run_now();
    run_now();
    assert_next(144, 160);
    asks(FLAW, "NULL");
    assert_int_equal(failures_told, 1);
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    asks(FAILURES, "0");
    assert_int_equal(recoveries_told, 1);
}

static void what_is_no_set(void **state)
{
    static const char *const bodies[] = {"", "no JSON", "[]", "{}", "{\"keys\":{}}"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        answer("200 OK", "", bodies[i]);
        run_now();
        assert_int_equal(apr_atoi64(ask(FAILURES)), (apr_int64_t)i + 1);
    }
    asks(FLAW, "NULL");
}

static void not_for_ever(void **state)
{
    (void)state;
    answer("500 Oops", "", "");
    let_it_expire();
    run_now();
    asks(FLAW, "unreachable");
    asks(REVISION, "1");
    run_now();
    asks(REVISION, "1");
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    asks(FLAW, "NULL");
    asks(REVISION, "2");
}

static void a_busy_node_is_no_failure(void **state)
{
    (void)state;
    places = 0;
    run_now();
    assert_int_equal(origin.requests, 0);
    asks(FLAW, "NULL");
    asks(FAILURES, "0");
    asks(LEASED, "0");
    assert_int_equal(failures_told, 0);
}

/* Whatever keeps it from being fetched. */
static void a_busy_node_ends_a_set_all_the_same(void **state)
{
    (void)state;
    places = 0;
    let_it_expire();
    run_now();
    assert_int_equal(origin.requests, 0);
    asks(FLAW, "unreachable");
    asks(REVISION, "1");
    asks(FAILURES, "0");
    asks(LEASED, "0");
    assert_int_equal(failures_told, 1);
    run_now();
    asks(REVISION, "1");
    assert_int_equal(failures_told, 1);
    places = 1;
    run_now();
    asks(FLAW, "NULL");
}

/* Written under a clock that was a year ahead. */
static void times_that_are_too_far_ahead(void **state)
{
    const char *ahead =
        apr_psprintf(fixture->pool, "%" APR_INT64_T_FMT,
                     apr_time_as_msec(apr_time_now() + apr_time_from_sec(365 * 86400)));

    (void)state;
    run_sql(fixture->link,
            apr_pstrcat(fixture->pool, "UPDATE whk_remote_set SET refresh_at = ", ahead,
                        ", leased_until = ", ahead, ", fresh_until = ", ahead, NULL));
    answer("500 Oops", "", "");
    run_due();
    assert_int_equal(origin.requests, 1);
    asks(LEASED, "0");
    asks(FLAW, "NULL");
    assert_next(4, 5);
    /* Good from now on for WebhookKeysMaxStale, and no longer. */
    stepped_wall += apr_time_from_sec(59);
    run_now();
    asks(FLAW, "NULL");
    stepped_wall += apr_time_from_sec(2);
    run_now();
    asks(FLAW, "unreachable");
}

static int stopping(void *baton)
{
    (void)baton;
    return remote.stop && *remote.stop;
}

static void *stop_soon(void *stop)
{
    while (!__atomic_load_n(&origin.requests, __ATOMIC_SEQ_CST))
        usleep(1000);
    *(volatile apr_uint32_t *)stop = 1;
    return NULL;
}

/* A process that ends while it fetches gives the set back, and says nothing of it. */
static void a_stop_during_a_fetch(void **state)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, stopping, NULL};
    volatile apr_uint32_t stop = 0;
    pthread_t thread;
    apr_time_t began = apr_time_now();

    (void)state;
    answer("hang", "", "");
    remote.stop = &stop;
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, (void *)&stop), 0);
    good(whk_refresh_due_sets(&registry, &refresh));
    pthread_join(thread, NULL);
    remote.stop = NULL;
    assert_int_equal(origin.requests, 1);
    assert_true(apr_time_now() - began < apr_time_from_msec(2900));
    asks(LEASED, "0");
    asks(FAILURES, "0");
    asks(FLAW, "NULL");
    assert_int_equal(failures_told, 0);
}

static void revoked_keys_need_no_fetch(void **state)
{
    (void)state;
    run_sql(fixture->link, "UPDATE whk_key SET status = 'REVOKED', revoked_at = 1");
    run_now();
    assert_int_equal(origin.requests, 0);
    assert_next(290, 300);
}

static void several_enterprises(void **state)
{
    (void)state;
    add_enterprise(fixture, "globex");
    register_key("globex", "one", JWK("one", X_1));
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    assert_int_equal(origin.requests, 1);
    asks(FLAW, "changed|changed");
    asks(REVISION, "1|1");
}

static void a_lease_is_kept(void **state)
{
    whk_remote_set_t *set;
    int leased;
    apr_time_t now = apr_time_now();
    const whk_due_t due = {now, now + apr_time_from_sec(300), now + apr_time_from_sec(90)};

    (void)state;
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    good(whk_store_remote_set_due(registry.store, fixture->pool, &due, &set));
    good(whk_store_remote_set_lease(registry.store, fixture->pool, set, &due,
                                    now + apr_time_from_sec(90), &leased));
    assert_int_equal(leased, 1);
    good(whk_store_remote_set_lease(registry.store, fixture->pool, set, &due,
                                    now + apr_time_from_sec(90), &leased));
    assert_int_equal(leased, 0);
    run_due();
    assert_int_equal(origin.requests, 0);
    /* The lease of who died ends; and who comes late writes nothing over what came after. */
    run_sql(fixture->link, "UPDATE whk_remote_set SET leased_until = 1");
    run_due();
    assert_int_equal(origin.requests, 1);
    set->failures = 99;
    good(whk_store_remote_set_update(registry.store, fixture->pool, set));
    asks(FAILURES, "0");
}

static void *refresh_beside(void *file)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, not_stopping, NULL};
    whk_registry_t own = registry;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    own.pool = pool;
    own.store = open_link(pool, file, NULL)->store;
    good(whk_refresh_due_sets(&own, &refresh));
    apr_pool_destroy(pool);
    return NULL;
}

static void one_fetches_for_all(void **state)
{
    pthread_t threads[4];
    int i;

    (void)state;
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    for (i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refresh_beside, (void *)fixture->file),
                         0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(origin.requests, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REFRESH_TEST(failures_back_off),
        REFRESH_TEST(what_is_no_set),
        REFRESH_TEST(not_for_ever),
        REFRESH_TEST(a_busy_node_is_no_failure),
        REFRESH_TEST(a_busy_node_ends_a_set_all_the_same),
        REFRESH_TEST(times_that_are_too_far_ahead),
        REFRESH_TEST(a_stop_during_a_fetch),
        REFRESH_TEST(revoked_keys_need_no_fetch),
        REFRESH_TEST(several_enterprises),
        REFRESH_TEST(a_lease_is_kept),
        REFRESH_TEST(one_fetches_for_all),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_origin, stop_origin);
}
