/* SPDX-License-Identifier: Apache-2.0 */
/* A set that several enterprises have: what goes wrong with one of them keeps nothing from the
 * others. And what happens to it while it is fetched. */

#include "followed_sets_fixture.h"

static const whk_outcome_t *run_once(void)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, not_stopping, NULL};

    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0, leased_until = 0");
    return whk_refresh_due_sets(&registry, &refresh);
}

/* As a row that does not go together with the others of its enterprise. */
static void fail_at(const char *what)
{
    run_sql(fixture->link, apr_psprintf(fixture->pool,
                                        "CREATE TRIGGER broken BEFORE %s BEGIN SELECT RAISE(ABORT, "
                                        "'broken'); END",
                                        what));
}

static void mend(void)
{
    run_sql(fixture->link, "DROP TRIGGER broken");
}

static void one_that_cannot_take_what_is_new(void **state)
{
    char before[] = "alpha";
    char behind[] = "gamma";

    (void)state;
    follow(before);
    follow(behind);
    assert_null(run_once());
    answer("200 OK", "ETag: \"v2\"\r\n", SET(JWK("one", X_1) "," JWK("two", X_2)));
    fail_at("INSERT ON whk_key WHEN NEW.enterprise_id = 'beta'");
    assert_non_null(run_once());
    asks("SELECT group_concat(enterprise_id) FROM (SELECT enterprise_id FROM whk_key WHERE key_id "
         "= 'two' ORDER BY 1)",
         "alpha,gamma");
    /* The set is good, and is read again though it may stay as it is. */
    assert_true(next_refresh() > apr_time_now());
    asks(FAILURES, "0");
    asks("SELECT etag FROM whk_remote_set", "NULL");
    mend();
    assert_null(run_once());
    asks(KEYS(" AND key_id = 'two'"), "two ACTIVE background");
}

static void one_whose_key_cannot_be_written(void **state)
{
    const char *good_until = "SELECT fresh_until FROM whk_remote_set";
    const char *was;

    (void)state;
    add_enterprise(fixture, "zeta");
    register_key("zeta", "zetas", JWK("zetas", X_2));
    fetch_set(JWK("one", X_1) "," JWK("zetas", X_2));
    run_sql(fixture->link, "UPDATE whk_remote_set SET fresh_until = fresh_until - 1000");
    was = ask(good_until);
    fail_at("UPDATE ON whk_key WHEN NEW.enterprise_id = 'acme'");
    answer("200 OK", "", apr_pstrcat(fixture->pool, "{\"keys\":[", fresh_jwk("new"), "]}", NULL));
    assert_non_null(run_once());
    asks("SELECT remote_flaw FROM whk_key WHERE key_id = 'zetas' AND enterprise_id = 'zeta'",
         "gone");
    asks(KEYS(" AND key_id = 'new'"), "new ACTIVE background");
    /* acme's key, which is gone, must not be good for longer. */
    asks("SELECT remote_flaw FROM whk_key WHERE key_id = 'one' AND enterprise_id = 'acme'", "NULL");
    asks(good_until, was);
    mend();
    assert_null(run_once());
    asks("SELECT remote_flaw FROM whk_key WHERE key_id = 'one' AND enterprise_id = 'acme'", "gone");
}

/* What was fetched before a key was registered says nothing of it. */
static void a_key_that_is_registered_meanwhile(void **state)
{
    const apr_time_t now = apr_time_now();
    const whk_due_t due = {now, now + apr_time_from_sec(900), now + apr_time_from_sec(900)};
    whk_remote_set_t *set;
    int leased;

    (void)state;
    fetch_set(JWK("one", X_1));
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0, leased_until = 0");
    good(whk_store_remote_set_due(registry.store, fixture->pool, &due, &set));
    good(whk_store_remote_set_lease(registry.store, fixture->pool, set, &due,
                                    now + apr_time_from_sec(30), &leased));
    assert_int_equal(leased, 1);
    add_enterprise(fixture, "zeta");
    register_key("zeta", "zetas", JWK("zetas", X_2));
    set->etag = "\"v9\"";
    set->refresh_at = now + apr_time_from_sec(600);
    good(whk_store_remote_set_update(registry.store, fixture->pool, set));
    asks("SELECT etag FROM whk_remote_set", "NULL");
    asks("SELECT refresh_at FROM whk_remote_set", "0");
    asks(LEASED, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLLOW_TEST(one_that_cannot_take_what_is_new),
        FOLLOW_TEST(one_whose_key_cannot_be_written),
        FOLLOW_TEST(a_key_that_is_registered_meanwhile),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_origin, stop_origin);
}
