/* SPDX-License-Identifier: Apache-2.0 */
/* Whom somebody is to be told of: in order, once, and what only time brings. */

#include "store_fixture.h"

#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/key_notices.h"
#include "registry/notifications.h"
#include "registry/seal.h"
#include "store/key_notices.h"
#include "store/notifications.h"
#include "store/transaction.h"

/* t/lib/stepped_clock.c */
extern _Atomic long long stepped_wall;

#define DAY apr_time_from_sec(86400)

static fixture_t *fixture;
static whk_registry_t registry;
static const char *told; /* "name enterprise keyId|…" */
static int fails;        /* so many times */
static int passed;       /* over, because they were changed */
static int appends;      /* while it is told */

static int begin(void **state)
{
    set_up(state);
    fixture = *state;
    stepped_wall = 0;
    memset(&registry, 0, sizeof(registry));
    registry.pool = fixture->pool;
    registry.store = fixture->link->store;
    registry.secret = fixture->secret;
    told = "";
    fails = appends = passed = 0;
    add_enterprise(fixture, "beta");
    return 0;
}

typedef struct {
    const char *enterprise;
    const char *key_id;
    whk_event_type_t type;
} append_t;

static const whk_outcome_t *append_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const append_t *event = baton;
    whk_enterprise_t *enterprise;

    WHK_TRY(whk_store_enterprise_lock(store, pool, event->enterprise, &enterprise));
    WHK_TRY(whk_audit_append(store, pool, fixture->secret, enterprise, event->type, event->key_id,
                             whk_caller_operator(pool, "root", event->enterprise), NULL,
                             whk_time_now()));
    return whk_store_enterprise_update(store, pool, enterprise);
}

static void append(const char *enterprise, const char *key_id, whk_event_type_t type)
{
    append_t event = {enterprise, key_id, type};

    good(whk_store_transaction(fixture->link->store, fixture->pool, append_work, &event));
}

static int tell(void *baton, const char *name, const whk_event_t *event, const char *json,
                apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    assert_non_null(strstr(json, name));
    if (appends-- > 0)
        append(event->enterprise_id, "meanwhile", WHK_EVENT_KEY_REVOKED);
    if (fails-- > 0)
        return 0;
    told = apr_pstrcat(fixture->pool, told, *told ? "|" : "", name, " ", event->enterprise_id, " ",
                       event->key_id, NULL);
    return 1;
}

static void pass(void *baton, const whk_outcome_t *flaw)
{
    (void)baton;
    assert_non_null(flaw->operator_hint);
    passed++;
}

static int not_stopping(void *baton)
{
    (void)baton;
    return 0;
}

static const whk_outcome_t *run(void)
{
    const whk_notifier_t notifier = {tell, pass, not_stopping, NULL, apr_time_from_sec(60)};

    return whk_notify_due(&registry, &notifier);
}

static void tells(const char *expected)
{
    good(run());
    assert_string_equal(told, expected);
    told = "";
}

static apr_int64_t pending(void)
{
    apr_int64_t count;

    good(whk_store_notification_pending(fixture->link->store, fixture->pool, &count));
    return count;
}

/* The first call says since when. */
static void turn_on(void)
{
    good(run());
    stepped_wall += 10000;
}

static void told_once_in_order(void **state)
{
    (void)state;
    append("acme", "before", WHK_EVENT_KEY_REGISTERED);
    stepped_wall += 10000;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    append("acme", "x", WHK_EVENT_OTP_REFUSED);
    append("acme", "b", WHK_EVENT_KEY_REVOKED);
    assert_int_equal(pending(), 1);
    tells("registered acme a|revoked acme b");
    assert_int_equal(pending(), 0);
    tells("");
    append("acme", "y", WHK_EVENT_OTP_REFUSED);
    assert_int_equal(pending(), 0);
    append("acme", "c", WHK_EVENT_REVOCATION_PLANNED);
    tells("revocation-planned acme c");
}

static void many(void **state)
{
    const char *expected = "";
    int i;

    (void)state;
    turn_on();
    for (i = 0; i < 120; i++) {
        const char *key_id = apr_psprintf(fixture->pool, "k%d", i);

        append("acme", key_id, WHK_EVENT_KEY_REGISTERED);
        expected =
            apr_pstrcat(fixture->pool, expected, i ? "|" : "", "registered acme ", key_id, NULL);
    }
    tells(expected);
    assert_int_equal(pending(), 0);
}

static void more_while_it_is_told(void **state)
{
    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    appends = 2;
    tells("registered acme a|revoked acme meanwhile|revoked acme meanwhile");
    assert_int_equal(pending(), 0);
}

static void one_that_fails(void **state)
{
    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    append("acme", "b", WHK_EVENT_KEY_REGISTERED);
    stepped_wall += 10000;
    append("beta", "c", WHK_EVENT_KEY_REGISTERED);
    fails = 1;
    tells("registered beta c");
    tells("");
    assert_int_equal(pending(), 1);
    stepped_wall += 2 * (long long)1000000;
    fails = 1;
    tells("");
    /* Twice as long each time. */
    stepped_wall += 1400000;
    tells("");
    stepped_wall += 1000000;
    tells("registered acme a|registered acme b");
}

static void somebody_elses(void **state)
{
    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "UPDATE whk_notification SET leased_until = %" APR_TIME_T_FMT
                         " WHERE enterprise_id = 'acme'",
                         apr_time_as_msec(whk_time_now() + apr_time_from_sec(60))));
    tells("");
    stepped_wall += 61 * (long long)1000000;
    tells("registered acme a");
    /* A lease by a clock that was a day ahead is none. */
    append("acme", "b", WHK_EVENT_KEY_REGISTERED);
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "UPDATE whk_notification SET leased_until = %" APR_TIME_T_FMT
                         " WHERE enterprise_id = 'acme'",
                         apr_time_as_msec(whk_time_now() + (apr_time_t)DAY)));
    tells("registered acme b");
}

static void an_event_that_was_changed(void **state)
{
    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    append("acme", "b", WHK_EVENT_KEY_REGISTERED);
    run_sql(fixture->link, "UPDATE whk_event SET seal = 'x' WHERE key_id = 'a'");
    append("acme", "c", WHK_EVENT_KEY_REGISTERED);
    run_sql(fixture->link, "UPDATE whk_event SET seal = 'x' WHERE key_id = 'c'");
    tells("registered acme b");
    assert_int_equal(passed, 2);
    assert_int_equal(pending(), 0);
}

/* However fast its events come, another enterprise is not kept waiting. */
static void one_without_end(void **state)
{
    const char *found;
    int i;

    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    appends = 300;
    stepped_wall += 10000;
    append("beta", "b", WHK_EVENT_KEY_REGISTERED);
    good(run());
    found = strstr(told, "registered beta b");
    assert_non_null(found);
    for (i = 0; (told = strstr(told, "acme")) && told < found; i++)
        told++;
    assert_in_range(i, 1, 250);
    assert_int_equal(pending(), 0);
}

/* Another node told of them since it was read that they are due. */
static void told_meanwhile(void **state)
{
    apr_time_t now;
    whk_notification_t *due;
    int leased;

    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    now = whk_time_now();
    good(whk_store_notification_due(registry.store, fixture->pool, now, DAY, &due));
    assert_non_null(due);
    tells("registered acme a");
    append("acme", "b", WHK_EVENT_KEY_REGISTERED);
    good(whk_store_notification_lease(registry.store, fixture->pool, due, now + DAY, DAY, now + DAY,
                                      &leased));
    assert_int_equal(leased, 0);
    tells("registered acme b");
}

/* Slept over its lease: who knows what others did. */
static int tell_slowly(void *baton, const char *name, const whk_event_t *event, const char *json,
                       apr_pool_t *pool)
{
    stepped_wall += apr_time_from_sec(3600);
    return tell(baton, name, event, json, pool);
}

static void whoever_slept(void **state)
{
    const whk_notifier_t notifier = {tell_slowly, pass, not_stopping, NULL, apr_time_from_sec(60)};

    (void)state;
    turn_on();
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    append("acme", "b", WHK_EVENT_KEY_REGISTERED);
    good(whk_notify_due(&registry, &notifier));
    assert_string_equal(told, "registered acme a|registered acme b");
    told = "";
}

static void begun_by_a_clock_that_was_ahead(void **state)
{
    (void)state;
    stepped_wall = 365 * DAY;
    good(run());
    stepped_wall = 0;
    good(run());
    append("acme", "a", WHK_EVENT_KEY_REGISTERED);
    tells("registered acme a");
}

/* ---- what only time brings ---- */

static void insert_key(const char *key_id, apr_time_t created, apr_time_t revokes)
{
    whk_key_t key = make_key("acme", key_id, key_id);

    key.id = apr_pstrcat(fixture->pool, "id ", key_id, NULL);
    key.jwk = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":"
              "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
    key.thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    key.created = created;
    key.revokes = revokes;
    run_sql(fixture->link, "DELETE FROM whk_used_material");
    good(whk_key_set_seal(fixture->pool, fixture->secret, &key));
    good(whk_store_transaction(fixture->link->store, fixture->pool, insert_work, &key));
}

static void look(void)
{
    good(whk_write_key_notices(&registry, not_stopping, NULL));
}

static void a_revocation_that_is_near(void **state)
{
    (void)state;
    turn_on();
    insert_key("k", whk_time_now(), whk_time_now() + 8 * DAY);
    look();
    tells("");
    stepped_wall += DAY + 60000000;
    look();
    look();
    tells("revocation-near acme k");
    stepped_wall += 5 * DAY;
    look();
    tells("");
    stepped_wall += DAY;
    look();
    look();
    tells("revocation-near acme k");
    stepped_wall += DAY;
    look();
    tells("");
}

static void one_that_is_nearer_than_a_day(void **state)
{
    (void)state;
    turn_on();
    insert_key("k", whk_time_now(), whk_time_now() + DAY / 2);
    look();
    look();
    tells("revocation-near acme k");
}

static void a_key_that_is_not_used(void **state)
{
    (void)state;
    turn_on();
    insert_key("k", whk_time_now(), 0);
    look();
    tells("");
    stepped_wall += 89 * DAY;
    look();
    tells("");
    stepped_wall += DAY + 60000000;
    look();
    look();
    tells("unused acme k");
    stepped_wall += 89 * DAY;
    look();
    tells("");
    /* Used meanwhile. */
    run_sql(fixture->link,
            apr_psprintf(fixture->pool, "UPDATE whk_key SET last_used_at = %" APR_TIME_T_FMT,
                         apr_time_as_msec(whk_time_now())));
    stepped_wall += 80 * DAY;
    look();
    tells("");
    stepped_wall += 11 * DAY;
    look();
    tells("unused acme k");
}

static void rows_that_are_bad(void **state)
{
    (void)state;
    turn_on();
    insert_key("k", whk_time_now(), whk_time_now() + DAY / 2);
    run_sql(fixture->link, "UPDATE whk_key SET seal = 'x'");
    look();
    tells("");
    /* It is looked at once, and keeps no other waiting. */
    assert_string_equal(ask_sql(fixture->pool, fixture->link,
                                "SELECT count(*) FROM whk_key WHERE warned_at IS NULL", 0),
                        "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(told_once_in_order, begin, tear_down),
        cmocka_unit_test_setup_teardown(many, begin, tear_down),
        cmocka_unit_test_setup_teardown(more_while_it_is_told, begin, tear_down),
        cmocka_unit_test_setup_teardown(one_that_fails, begin, tear_down),
        cmocka_unit_test_setup_teardown(somebody_elses, begin, tear_down),
        cmocka_unit_test_setup_teardown(an_event_that_was_changed, begin, tear_down),
        cmocka_unit_test_setup_teardown(one_without_end, begin, tear_down),
        cmocka_unit_test_setup_teardown(told_meanwhile, begin, tear_down),
        cmocka_unit_test_setup_teardown(whoever_slept, begin, tear_down),
        cmocka_unit_test_setup_teardown(begun_by_a_clock_that_was_ahead, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_revocation_that_is_near, begin, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_nearer_than_a_day, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_is_not_used, begin, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_are_bad, begin, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
