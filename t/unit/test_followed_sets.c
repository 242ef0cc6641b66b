/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets that are followed: what appears in them, and what goes from them. */

#include "followed_sets_fixture.h"

#include "model/clock.h"
#include "model/timestamp.h"
#include "registry/due_revocations.h"
#include "registry/enterprise_keys.h"
#include "registry/planned_revocation.h"
#include "registry/wanted_sets.h"

static void what_is_in_the_set_becomes_keys(void **state)
{
    const char *two;

    (void)state;
    two = fresh_jwk("two");
    answer("200 OK", "ETag: \"v1\"\r\n",
           apr_pstrcat(fixture->pool, "{\"keys\":[", JWK("one", X_1), ",", two, "]}", NULL));
    run_now();
    asks(KEYS(""), "one ACTIVE background|two ACTIVE background");
    asks("SELECT active_keys || ' ' || key_count || ' ' || revision FROM whk_enterprise WHERE "
         "enterprise_id = 'beta'",
         "3 3 2");
    asks(BETAS_EVENTS, "key.registered one background|key.registered two background");
    asks("SELECT detail FROM whk_event WHERE enterprise_id = 'beta' AND key_id = 'two'",
         jwk_of(two)->thumbprint);
    asks("SELECT count(*) FROM whk_used_material WHERE enterprise_id = 'beta'", "3");
    /* All that it has is there: as long as it says that it stays, nothing is to be done. */
    run_now();
    assert_non_null(strstr(origin.asked, "If-None-Match: \"v1\""));
    asks(BETAS_EVENTS, "key.registered one background|key.registered two background");
    /* And acme's key is acme's own. */
    asks("SELECT followed_by FROM whk_key WHERE enterprise_id = 'acme'", "NULL");
}

static void what_goes_stops_and_may_come_back(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("else", X_2));
    asks("SELECT remote_flaw FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'", "gone");
    assert_int_equal(events_of("jwks_uri.key_gone", "one"), 1);
    let_it_be_gone("one", 23);
    fetch_set(JWK("else", X_2));
    assert_int_equal(events_of("jwks_uri.key_gone", "one"), 1);
    fetch_set(JWK("one", X_1) "," JWK("else", X_2));
    asks("SELECT remote_flaw FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'", "NULL");
    asks("SELECT gone_at FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'", "NULL");
    assert_int_equal(events_of("jwks_uri.key_returned", "one"), 1);
    asks(KEYS(""), "one ACTIVE background|else ACTIVE background");
    /* A key by jwksUri alone only stops. */
    asks("SELECT count(*) FROM whk_event WHERE enterprise_id = 'acme'", "0");
}

static void what_is_away_for_a_day_is_burnt(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("else", X_2));
    let_it_be_gone("one", 24);
    fetch_set(JWK("else", X_2));
    asks(KEYS(" AND key_id = 'one'"), "one REVOKED background");
    asks("SELECT active_keys FROM whk_enterprise WHERE enterprise_id = 'beta'", "2");
    assert_int_equal(events_of("key.revoked", "one"), 1);
    /* An old set that is played again brings nothing back, and is told of once. */
    fetch_set(JWK("one", X_1) "," JWK("else", X_2));
    fetch_set(JWK("one", X_1) "," JWK("else", X_2));
    asks(KEYS(" AND key_id = 'one'"), "one REVOKED background");
    assert_int_equal(events_of("key.registration_refused", "one"), 1);
    asks("SELECT detail FROM whk_event WHERE type = 'key.registration_refused'",
         apr_pstrcat(fixture->pool, "key_id_taken ", jwk_of(JWK("one", X_1))->thumbprint, NULL));
    /* Its material does not come back by another name either. */
    fetch_set(JWK("other", X_1) "," JWK("else", X_2));
    asks(KEYS(" AND key_id = 'other'"), "");
    assert_int_equal(events_of("key.registration_refused", "other"), 1);
    asks("SELECT detail FROM whk_event WHERE key_id = 'other'",
         apr_pstrcat(fixture->pool, "key_material_in_use ", jwk_of(JWK("one", X_1))->thumbprint,
                     NULL));
}

static void who_is_back_too_late_is_burnt(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("else", X_2));
    let_it_be_gone("one", 24);
    fetch_set(JWK("one", X_1));
    asks(KEYS(" AND key_id = 'one'"), "one REVOKED background");
    assert_int_equal(events_of("jwks_uri.key_returned", "one"), 0);
}

/* What a wrong clock wrote neither burns nor keeps. */
static void gone_in_the_future(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("else", X_2));
    let_it_be_gone("one", -1000);
    fetch_set(JWK("else", X_2));
    asks(KEYS(" AND key_id = 'one'"), "one ACTIVE background");
    assert_int_equal(
        apr_time_sec(apr_time_now() - apr_time_from_msec(apr_atoi64(ask(
                                          "SELECT gone_at FROM whk_key WHERE key_id = 'one' AND "
                                          "enterprise_id = 'beta'")))) /
            60,
        0);
}

/* Under the same kid: as for every key by jwksUri, but not for ever. */
static void what_changes(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("one", X_2));
    asks("SELECT remote_flaw FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'",
         "changed");
    assert_int_equal(events_of("jwks_uri.key_changed", "one"), 1);
    let_it_be_gone("one", 25);
    fetch_set(JWK("one", X_2));
    asks(KEYS(""), "one REVOKED background");
}

static void what_changes_where_it_may(void **state)
{
    (void)state;
    policy.jwks_uri_pin = 0;
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("one", X_2));
    asks(KEYS(""), "one ACTIVE background");
    asks("SELECT remote_flaw FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'", "NULL");
    fetch_set(JWK("one", X_1));
    asks("SELECT remote_flaw FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'",
         "changed");
}

static void one_that_was_revoked_stays_so(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    revoke_by_operator("one");
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    asks(KEYS(""), "one REVOKED background|two ACTIVE background");
    assert_int_equal(events_of("key.registration_refused", "one"), 1);
}

static void a_limit(void **state)
{
    (void)state;
    policy.max_active = 2;
    answer("200 OK", "ETag: \"v1\"\r\n", SET(JWK("one", X_1) "," JWK("two", X_2)));
    run_now();
    run_now();
    asks(KEYS(""), "one ACTIVE background");
    assert_int_equal(events_of("key.registration_refused", "two"), 1);
    /* It waits for room, whatever the set's ETag says. */
    assert_null(strstr(origin.asked, "If-None-Match"));
    policy.max_active = 3;
    run_now();
    asks(KEYS(""), "one ACTIVE background|two ACTIVE background");
    asks("SELECT refused FROM whk_key WHERE key_id = '*'", "");
}

static void off(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    policy.jwks_uri_follow = 0;
    fetch_set(JWK("two", X_2));
    asks(KEYS(""), "one ACTIVE background");
    asks("SELECT remote_flaw FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'", "gone");
    /* Nor is it forgotten. */
    answer("200 OK", "ETag: \"v1\"\r\n", SET(JWK("one", X_1) "," JWK("two", X_2)));
    run_now();
    policy.jwks_uri_follow = 1;
    run_now();
    asks(KEYS(""), "one ACTIVE background|two ACTIVE background");
}

static const char *many(int count)
{
    const char *members = fresh_jwk("m1");
    int i;

    for (i = 2; i <= count; i++)
        members = apr_pstrcat(fixture->pool, members, ",",
                              fresh_jwk(apr_psprintf(fixture->pool, "m%d", i)), NULL);
    return members;
}

static void many_members(void **state)
{
    (void)state;
    policy.max_active = 1000;
    fetch_set(many(101));
    asks(KEYS(""), "");
    fetch_set(many(100));
    assert_int_equal(count_of("SELECT count(*) FROM whk_key WHERE followed_by = '*'"), 100);
    asks("SELECT count(*) FROM whk_event WHERE enterprise_id = 'beta'", "100");
}

static void hostile_members(void **state)
{
    static const char *const members[] = {
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X_1 "\"}",
        JWK("*", X_1),
        JWK("*:other", X_1),
        JWK("", X_1),
        JWK(".", X_1),
        JWK("a\\u0007b", X_1),
        JWK(" blank", X_1),
        JWK("same", X_1) "," JWK("same", X_2),
        JWK("same", X_1) "," JWK("same", X_1),
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":7,\"x\":\"" X_1 "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"private\",\"d\":\"" X_2 "\",\"x\":\"" X_1
        "\"}",
        "{\"kty\":\"oct\",\"kid\":\"secret\",\"k\":\"" X_1 "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"enc\",\"use\":\"enc\",\"x\":\"" X_1 "\"}",
        "7",
        "null",
        "[]",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        fetch_set(members[i]);
        asks(KEYS(""), "");
    }
    fetch_set("");
    asks(BETAS_EVENTS, "");
    /* None of them keeps a good one away. */
    fetch_set(apr_pstrcat(fixture->pool, members[0], ",", members[1], ",", members[8], ",",
                          members[10], ",7,", JWK("good", X_2), NULL));
    asks(KEYS(""), "good ACTIVE background");
}

static void algorithms_that_are_off(void **state)
{
    (void)state;
    policy.algorithms = WHK_ALG_ES256;
    answer("200 OK", "ETag: \"v1\"\r\n", SET(JWK("one", X_1)));
    run_now();
    asks(KEYS(""), "");
    policy.algorithms = ~0u;
    run_now();
    asks(KEYS(""), "one ACTIVE background");
}

static void two_who_follow_one_set(void **state)
{
    (void)state;
    add_enterprise(fixture, "gamma");
    register_key("gamma", "mine", fresh_jwk("mine"));
    fetch_set(JWK("one", X_1));
    asks(KEYS(""), "one ACTIVE background");
    asks("SELECT count(*) FROM whk_key WHERE enterprise_id = 'gamma'", "1");
}

static void a_key_of_its_own_is_not_taken_over(void **state)
{
    (void)state;
    register_key("beta", "one", JWK("one", X_1));
    fetch_set(JWK("one", X_1));
    fetch_set(JWK("one", X_1));
    asks(KEYS(""), "");
    asks("SELECT followed_by FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'", "NULL");
    assert_int_equal(events_of("key.registration_refused", "one"), 1);
}

static void the_set_is_revoked(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    revoke_by_operator("*");
    asks("SELECT key_id || ' ' || status || ' ' || revoked_by FROM whk_key WHERE enterprise_id = "
         "'beta' ORDER BY key_number",
         "* REVOKED operator:root|one REVOKED operator:root|two REVOKED operator:root");
    asks("SELECT active_keys FROM whk_enterprise WHERE enterprise_id = 'beta'", "0");
    assert_int_equal(events_of("key.revoked", "*"), 1);
    assert_int_equal(events_of("key.revoked", "two"), 1);
    fetch_set(fresh_jwk("three"));
    asks(KEYS(" AND key_id = 'three'"), "");
}

/* ---- by a plan ---- */

static whk_enterprise_keys_t *read_keys(void)
{
    const whk_key_validity_t validity = {fixture->secret, apr_time_from_sec(60),
                                         apr_time_from_sec(300)};
    whk_enterprise_keys_t *keys;

    good(whk_enterprise_keys_read(registry.store, "beta", &validity, &keys, fixture->pool));
    assert_non_null(keys);
    return keys;
}

static int never(void *baton)
{
    (void)baton;
    return 0;
}

static void plan_in(const char *kid, int seconds)
{
    whk_planned_t planned;

    good(whk_plan_revocation(&registry, whk_caller_operator(fixture->pool, "root", "beta"), kid,
                             whk_time_now() + apr_time_from_sec(seconds), &planned));
}

/* By the wall clock. */
static int is_revoked(const char *kid)
{
    whk_parsed_keys_t *parsed = whk_parsed_keys_create(100000, fixture->pool);
    whk_enterprise_keys_t *keys = read_keys();
    whk_enterprise_key_t *key = whk_enterprise_keys_find(keys, kid);
    int revoked = whk_enterprise_key_is_revoked(key, whk_clock_now());

    whk_enterprise_keys_release(keys, parsed);
    return revoked;
}

static void the_set_is_planned_to_be_revoked(void **state)
{
    whk_enterprise_t *enterprise;
    whk_audit_report_t report;

    (void)state;
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    plan_in("*", 30);
    /* One of its keys for later. */
    plan_in("two", 300);
    assert_int_equal(is_revoked("one") + is_revoked("two"), 0);
    stepped_wall += apr_time_from_sec(31);
    /* To the instant, whatever is written down. */
    assert_int_equal(is_revoked("one"), 1);
    assert_int_equal(is_revoked("two"), 1);
    fetch_set(JWK("one", X_1) "," JWK("two", X_2) "," JWK("three", X_1));
    asks(KEYS(" AND key_id = 'three'"), "");
    good(whk_revoke_due_keys(&registry, never, NULL));
    asks("SELECT key_id || ' ' || status || ' ' || revoked_by FROM whk_key WHERE enterprise_id = "
         "'beta' ORDER BY key_number",
         "* REVOKED schedule|one REVOKED schedule|two REVOKED schedule");
    asks("SELECT count(DISTINCT revoked_at) FROM whk_key WHERE enterprise_id = 'beta'", "1");
    asks("SELECT active_keys FROM whk_enterprise WHERE enterprise_id = 'beta'", "0");
    good(whk_store_enterprise_get(registry.store, fixture->pool, "beta", &enterprise));
    good(whk_audit_verify(&registry, enterprise, &report));
    assert_int_equal(report.findings->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(report.findings, 0, whk_audit_finding_t).name, "*");
}

static void one_of_a_set_is_planned_to_be_revoked(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    plan_in("one", 30);
    plan_in("*", 300);
    stepped_wall += apr_time_from_sec(31);
    assert_int_equal(is_revoked("one"), 1);
    assert_int_equal(is_revoked("two"), 0);
    /* It was by its own plan, whoever ends the set now. */
    revoke_by_operator("*");
    good(whk_revoke_due_keys(&registry, never, NULL));
    asks("SELECT revoked_by FROM whk_key WHERE enterprise_id = 'beta' ORDER BY key_number",
         "operator:root|schedule|operator:root");
}

/* ---- rows of somebody else ---- */

static int flaw_of(const char *kid)
{
    whk_parsed_keys_t *parsed = whk_parsed_keys_create(100000, fixture->pool);
    whk_enterprise_keys_t *keys = read_keys();
    whk_enterprise_key_t *key = whk_enterprise_keys_find(keys, kid);
    int flaw = key ? whk_enterprise_key_flaw(key, whk_clock_now()) : -1;

    whk_enterprise_keys_release(keys, parsed);
    return flaw;
}

static void keys_end_with_their_set(void **state)
{
    const char *seal;

    (void)state;
    fetch_set(JWK("one", X_1));
    assert_int_equal(flaw_of("one"), 0);
    /* The set itself verifies nothing. */
    assert_int_equal(flaw_of("*"), -1);
    seal = ask("SELECT seal FROM whk_key WHERE enterprise_id = 'beta' AND key_id = 'one'");
    revoke_by_operator("*");
    /* An older state of one row alone. */
    drop_trigger(fixture->link, "whk_key_stays_revoked", "whk_key");
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "UPDATE whk_key SET status = 'ACTIVE', revoked_at = NULL, revoked_by = "
                         "NULL, seal = '%s' WHERE enterprise_id = 'beta' AND key_id = 'one'",
                         seal));
    assert_int_equal(flaw_of("one"), WHK_KEY_REVOKED);
}

static void forged_rows(void **state)
{
    static const char *const forged[][2] = {
        {"followed_by = NULL WHERE key_id = 'one'", "followed_by = '*' WHERE key_id = 'one'"},
        {"followed_by = '*:x' WHERE key_id = 'one'", "followed_by = '*' WHERE key_id = 'one'"},
        {"gone_at = 1 WHERE key_id = 'one'", "gone_at = NULL WHERE key_id = 'one'"},
        {"key_name = 'x' WHERE key_id = '*'", "key_name = 'a name' WHERE key_id = '*'"},
        {"seal = NULL WHERE key_id = '*'", ""},
    };
    size_t i;

    (void)state;
    fetch_set(JWK("one", X_1));
    for (i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        assert_int_equal(flaw_of("one"), 0);
        run_sql(fixture->link,
                apr_psprintf(fixture->pool, "UPDATE whk_key SET %s AND enterprise_id = 'beta'",
                             forged[i][0]));
        if (!flaw_of("one"))
            fail_msg("%s", forged[i][0]);
        if (*forged[i][1])
            run_sql(fixture->link,
                    apr_psprintf(fixture->pool, "UPDATE whk_key SET %s AND enterprise_id = 'beta'",
                                 forged[i][1]));
    }
    /* What stands for a set by such a row takes nothing. */
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    asks(KEYS(" AND key_id = 'two'"), "");
}

/* Sealed by us or not: one that stands for a set has no material, and the other way. */
static void mixtures(void **state)
{
    whk_key_t *set;
    whk_key_t *key;
    whk_key_t mixed;

    (void)state;
    fetch_set(JWK("one", X_1));
    good(whk_store_key_get(registry.store, fixture->pool, "beta", "*", &set));
    good(whk_store_key_get(registry.store, fixture->pool, "beta", "one", &key));
    assert_null(whk_key_flaw(fixture->pool, fixture->secret, set));
#define MIXED(row, member, value)                                                                  \
    mixed = *(row);                                                                                \
    mixed.member = value;                                                                          \
    good(whk_key_set_seal(fixture->pool, fixture->secret, &mixed));                                \
    assert_non_null(whk_key_flaw(fixture->pool, fixture->secret, &mixed))
    MIXED(set, jwk, key->jwk);
    MIXED(set, thumbprint, key->thumbprint);
    MIXED(set, thumbprint, "set:another id");
    MIXED(set, algorithm, "EdDSA");
    MIXED(set, jwks_uri, NULL);
    MIXED(set, followed_by, "*");
    MIXED(set, gone, 1000);
    MIXED(set, remote_flaw, WHK_REMOTE_GONE);
    MIXED(set, key_id, "one");
    MIXED(key, jwk, WHK_SET_JWK);
    MIXED(key, thumbprint, set->thumbprint);
    MIXED(key, jwks_uri, NULL);
    key->followed_by = NULL;
    MIXED(key, gone, 1000);
}

static void the_trail_tells_it_all(void **state)
{
    whk_enterprise_t *enterprise;
    whk_audit_report_t report;

    (void)state;
    fetch_set(JWK("one", X_1) "," JWK("two", X_2));
    fetch_set(JWK("two", X_2));
    let_it_be_gone("one", 30);
    fetch_set(JWK("one", X_1));
    fetch_set(fresh_jwk("three"));
    good(whk_store_enterprise_get(registry.store, fixture->pool, "beta", &enterprise));
    good(whk_audit_verify(&registry, enterprise, &report));
    assert_null(report.flaw);
    /* The set's own row was made by this test, without an event. */
    assert_int_equal(report.findings->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(report.findings, 0, whk_audit_finding_t).name, "*");
    /* Revoked with its set, each has its event. */
    revoke_by_operator("*");
    good(whk_store_enterprise_get(registry.store, fixture->pool, "beta", &enterprise));
    good(whk_audit_verify(&registry, enterprise, &report));
    assert_int_equal(report.findings->nelts, 1);
}

/* ---- a look before its time ---- */

/* Is the set due, after somebody wanted it for beta? */
static int is_wanted(void)
{
    whk_wanted_sets_t *wanted = whk_wanted_sets_create(fixture->pool);

    whk_wanted_sets_add(wanted, "beta");
    whk_wanted_sets_add(wanted, "beta");
    whk_wanted_sets_add(wanted, "no such enterprise");
    good(whk_wanted_sets_ask(wanted, registry.store, fixture->pool));
    return next_refresh() <= apr_time_now();
}

static void not_due(void)
{
    run_sql(fixture->link,
            apr_psprintf(fixture->pool, "UPDATE whk_remote_set SET refresh_at = %" APR_TIME_T_FMT,
                         apr_time_as_msec(apr_time_now() + apr_time_from_sec(100))));
}

static void a_set_is_asked_for_once_a_minute(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    assert_true(next_refresh() > apr_time_now());
    assert_int_equal(is_wanted(), 1);
    answer("200 OK", "", SET(JWK("one", X_1) "," JWK("two", X_2)));
    run_due();
    asks(KEYS(""), "one ACTIVE background|two ACTIVE background");
    assert_int_equal(is_wanted(), 0);
    run_sql(fixture->link, "UPDATE whk_remote_set SET asked_at = asked_at - 50000");
    assert_int_equal(is_wanted(), 0);
    run_sql(fixture->link, "UPDATE whk_remote_set SET asked_at = asked_at - 10000");
    assert_int_equal(is_wanted(), 1);
    /* A clock that was a year ahead asked last. */
    not_due();
    run_sql(fixture->link, "UPDATE whk_remote_set SET asked_at = asked_at + 31536000000");
    assert_int_equal(is_wanted(), 1);
}

static void what_fails_is_not_asked_for(void **state)
{
    (void)state;
    fetch_set(JWK("one", X_1));
    answer(NULL, "", "");
    run_now();
    asks(FAILURES, "1");
    not_due();
    assert_int_equal(is_wanted(), 0);
}

static void only_who_follows_asks(void **state)
{
    whk_wanted_sets_t *wanted = whk_wanted_sets_create(fixture->pool);

    (void)state;
    fetch_set(JWK("one", X_1));
    whk_wanted_sets_add(wanted, "acme");
    good(whk_wanted_sets_ask(wanted, registry.store, fixture->pool));
    assert_true(next_refresh() > apr_time_now());
}

static void an_origin_in_a_hurry(void **state)
{
    (void)state;
    answer("200 OK", "Cache-Control: max-age=1\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_true(next_refresh() > apr_time_now() + apr_time_from_sec(30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLLOW_TEST(what_is_in_the_set_becomes_keys),
        FOLLOW_TEST(what_goes_stops_and_may_come_back),
        FOLLOW_TEST(what_is_away_for_a_day_is_burnt),
        FOLLOW_TEST(who_is_back_too_late_is_burnt),
        FOLLOW_TEST(gone_in_the_future),
        FOLLOW_TEST(what_changes),
        FOLLOW_TEST(what_changes_where_it_may),
        FOLLOW_TEST(one_that_was_revoked_stays_so),
        FOLLOW_TEST(a_limit),
        FOLLOW_TEST(off),
        FOLLOW_TEST(many_members),
        FOLLOW_TEST(hostile_members),
        FOLLOW_TEST(algorithms_that_are_off),
        FOLLOW_TEST(two_who_follow_one_set),
        FOLLOW_TEST(a_key_of_its_own_is_not_taken_over),
        FOLLOW_TEST(the_set_is_revoked),
        FOLLOW_TEST(the_set_is_planned_to_be_revoked),
        FOLLOW_TEST(one_of_a_set_is_planned_to_be_revoked),
        FOLLOW_TEST(keys_end_with_their_set),
        FOLLOW_TEST(forged_rows),
        FOLLOW_TEST(mixtures),
        FOLLOW_TEST(the_trail_tells_it_all),
        FOLLOW_TEST(a_set_is_asked_for_once_a_minute),
        FOLLOW_TEST(what_fails_is_not_asked_for),
        FOLLOW_TEST(only_who_follows_asks),
        FOLLOW_TEST(an_origin_in_a_hurry),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_origin, stop_origin);
}
