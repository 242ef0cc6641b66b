/* SPDX-License-Identifier: Apache-2.0 */
/* Seals for rows that are there, over a real store: all or nothing where they are the first, and
 * under the eyes of those who write meanwhile where they are others. */

#include "store/schema_version.h"
#include "store_fixture.h"

#include "model/timestamp.h"
#include "otp/secret_key.h"
#include "otp/secret_key_rotation.h"
#include "otp/totp.h"
#include "registry/audit_trail.h"
#include "registry/authorize.h"
#include "registry/reseal.h"
#include "registry/totp_check.h"
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/migrations.h"
#include "store/otp_enrolments.h"
#include "store/schema_version.h"
#include "store/store.h"
#include "store/transaction.h"

/* What somebody else does at the moment when a connection is taken for the `countdown`th time. */
static void (*before_acquire)(void);
static int countdown;

static apr_status_t acquire_late(void *baton, apr_pool_t *pool, whk_connection_t *connection)
{
    if (before_acquire && --countdown == 0)
        before_acquire();
    return acquire(baton, pool, connection);
}

static const whk_store_source_t watched = {acquire_late, release, lock, unlock, NULL};

static fixture_t *fixture;
static whk_registry_t registry;
static const whk_policy_t policy;
static const unsigned char secret[] = "12345678901234567890";
static const whk_totp_t totp = {"sha1", 6, 30};

static int set_up_registry(void **state)
{
    set_up(state);
    fixture = *state;
    before_acquire = NULL;
    memset(&registry, 0, sizeof(registry));
    registry.pool = fixture->pool;
    registry.store = whk_store_create(fixture->pool, &watched, fixture->link);
    registry.secret = fixture->secret;
    registry.policy = &policy;
    return 0;
}

static const char *ask(const char *sql)
{
    return ask_sql(fixture->pool, fixture->link, sql, 0);
}

static const whk_secret_key_t *promoted(void)
{
    return whk_secret_key_promote(fixture->pool,
                                  whk_secret_key_add_next(fixture->pool, fixture->secret));
}

static void enroll(const char *user)
{
    whk_otp_enrolment_t enrolment = make_enrolment(user);

    enrolment.sealed_secret =
        whk_secret_seal(fixture->pool, fixture->secret, user, &totp, secret, 20);
    good(whk_store_otp_put(registry.store, fixture->pool, &enrolment));
}

static const whk_outcome_t *append_work(whk_store_t *store, void *count, apr_pool_t *pool)
{
    whk_caller_t *caller = whk_caller_background(pool, "acme");
    whk_enterprise_t *enterprise;
    int i;

    WHK_TRY(whk_store_enterprise_lock(store, pool, "acme", &enterprise));
    for (i = 0; i < *(int *)count; i++)
        WHK_TRY(whk_audit_append(store, pool, fixture->secret, enterprise, WHK_EVENT_OTP_REFUSED,
                                 NULL, caller, NULL, whk_time_now()));
    return whk_store_enterprise_update(store, pool, enterprise);
}

static void append(int count)
{
    good(whk_store_transaction(fixture->link->store, fixture->pool, append_work, &count));
}

static void add_sealed_admin(const char *user)
{
    whk_admin_t admin = {.enterprise_id = "acme", .user = user, .created = apr_time_from_msec(7)};
    int added;

    good(whk_admin_set_seal(fixture->pool, fixture->secret, &admin));
    good(whk_store_admin_add(registry.store, fixture->pool, &admin, &added));
}

/* ---- another key ---- */

static void everything_is_sealed_anew(void **state)
{
    whk_reseal_t reseal = {.secret = promoted()};
    const char *fingerprint = whk_secret_key_fingerprint(reseal.secret);

    (void)state;
    append(450);
    add_sealed_admin("alice");
    enroll("alice");
    good(whk_reseal(&registry, &reseal));
    assert_int_equal(reseal.events, 450);
    assert_int_equal(reseal.admins, 1);
    assert_int_equal(reseal.secrets, 1);
    assert_int_equal(reseal.busy + reseal.bad, 0);
    assert_string_equal(ask(apr_psprintf(fixture->pool,
                                         "SELECT count(*) FROM whk_event WHERE seal LIKE "
                                         "'v1.%s.%%'",
                                         fingerprint)),
                        "450");
    memset(&reseal.keys, 0, sizeof(reseal) - offsetof(whk_reseal_t, keys));
    good(whk_reseal(&registry, &reseal));
    assert_int_equal(reseal.events + reseal.admins + reseal.secrets + reseal.bad, 0);
}

static void a_bad_row_gets_no_seal(void **state)
{
    whk_reseal_t reseal = {.secret = promoted()};

    (void)state;
    append(3);
    add_sealed_admin("alice");
    enroll("alice");
    drop_trigger(fixture->link, "whk_event_stays_as_it_is", "whk_event");
    run_sql(fixture->link, "UPDATE whk_event SET actor = 'mallory' WHERE id = 2");
    run_sql(fixture->link, "INSERT INTO whk_admin VALUES ('acme', 'mallory', 7, NULL)");
    run_sql(fixture->link, "UPDATE whk_otp SET period = 60");
    good(whk_reseal(&registry, &reseal));
    assert_int_equal(reseal.events, 2);
    assert_int_equal(reseal.admins, 1);
    assert_int_equal(reseal.secrets, 0);
    assert_int_equal(reseal.bad, 3);
    assert_string_equal(ask("SELECT seal FROM whk_admin WHERE user_id = 'mallory'"), "NULL");
}

static void change_admin(void)
{
    run_sql(fixture->link, "UPDATE whk_admin SET seal = 'another'");
}

/* What somebody wrote between reading and writing is not overwritten. */
static void a_row_that_changed_meanwhile(void **state)
{
    whk_reseal_t reseal = {.secret = promoted()};

    (void)state;
    add_sealed_admin("alice");
    before_acquire = change_admin;
    /* The enterprises, the keys, the admins; then the transaction. */
    countdown = 4;
    good(whk_reseal(&registry, &reseal));
    assert_int_equal(reseal.admins, 0);
    assert_int_equal(reseal.busy, 1);
    assert_string_equal(ask("SELECT seal FROM whk_admin"), "another");
}

/* ---- a code, while its secret is sealed anew ---- */

static void seal_secret_anew(void)
{
    run_sql(fixture->link, apr_psprintf(fixture->pool, "UPDATE whk_otp SET sealed_secret = '%s'",
                                        whk_secret_seal(fixture->pool, fixture->secret, "alice",
                                                        &totp, secret, 20)));
}

static void replace_secret(void)
{
    run_sql(fixture->link,
            apr_psprintf(fixture->pool, "UPDATE whk_otp SET sealed_secret = '%s'",
                         whk_secret_seal(fixture->pool, fixture->secret, "alice", &totp,
                                         (const unsigned char *)"another secret of us", 20)));
}

static const whk_outcome_t *try_code(void)
{
    char code[9];
    whk_caller_t *caller;

    good(whk_authorize(&registry, "alice", "acme", NULL, NULL, &caller));
    assert_int_equal(whk_totp_code(&totp, secret, 20, whk_totp_step(&totp, apr_time_now()), code),
                     1);
    /* Reading the enrolment; then accepting the code. */
    countdown = 2;
    return whk_totp_check(&registry, fixture->secret, caller, code);
}

static void a_good_code_stays_good(void **state)
{
    (void)state;
    add_sealed_admin("alice");
    enroll("alice");
    before_acquire = seal_secret_anew;
    good(try_code());
    assert_string_equal(ask("SELECT failures FROM whk_otp"), "0");
    /* And works once. */
    before_acquire = NULL;
    assert_int_equal(try_code()->code, WHK_OTP_INVALID);
}

static void a_secret_that_was_replaced(void **state)
{
    (void)state;
    add_sealed_admin("alice");
    enroll("alice");
    before_acquire = replace_secret;
    assert_int_equal(try_code()->code, WHK_OTP_INVALID);
    assert_string_equal(ask("SELECT failures FROM whk_otp"), "1");
}

/* ---- code in a migration ---- */

static const whk_outcome_t *failing_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    int added;

    (void)baton;
    /* The tables of all migrations are there. */
    WHK_TRY(whk_store_enterprise_add(store, pool, "made", NULL, 0, &added));
    return whk_fail(pool, WHK_INTERNAL_ERROR, "as the work decided");
}

static const whk_outcome_t *breaking_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    whk_admin_t admin = {.enterprise_id = "none", .user = "bob"};
    int added;

    (void)baton;
    /* A statement that failed counts, whatever is said of it. */
    whk_store_admin_add(store, pool, &admin, &added);
    return NULL;
}

static const whk_outcome_t *good_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    int added;

    return whk_store_enterprise_add(store, pool, baton, NULL, 0, &added);
}

static void work_of_a_migration(void **state)
{
    static const whk_migration_work_t fails[] = {{4, failing_work}, {0, NULL}};
    static const whk_migration_work_t breaks[] = {{4, breaking_work}, {0, NULL}};
    static const whk_migration_work_t works[] = {{4, good_work}, {0, NULL}};
    fixture_t *empty = *state;
    whk_store_t *store = empty->link->store;
    int version, from;

    bad(whk_store_migrate(store, empty->pool, fails, NULL, &from), WHK_INTERNAL_ERROR,
        "as the work decided");
    good(whk_store_schema_version(store, empty->pool, &version));
    assert_int_equal(version, 0);
    bad(whk_store_migrate(store, empty->pool, breaks, NULL, &from), WHK_STORE_UNAVAILABLE,
        "can't write");
    assert_int_equal(from, 0);
    good(whk_store_schema_version(store, empty->pool, &version));
    assert_int_equal(version, 0);
    good(whk_store_migrate(store, empty->pool, works, (void *)"made", &from));
    good(whk_store_schema_version(store, empty->pool, &version));
    assert_int_equal(version, whk_schema_version());
    assert_string_equal(
        ask_sql(empty->pool, empty->link, "SELECT enterprise_id FROM whk_enterprise", 0), "made");
    /* Once. */
    good(whk_store_migrate(store, empty->pool, fails, NULL, &from));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_registry, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_sealed_anew),    TEST(a_bad_row_gets_no_seal),
        TEST(a_row_that_changed_meanwhile), TEST(a_good_code_stays_good),
        TEST(a_secret_that_was_replaced),   EMPTY_STORE_TEST(work_of_a_migration),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
