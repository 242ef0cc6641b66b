/* SPDX-License-Identifier: Apache-2.0 */
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/otp_enrolments.h"
#include "store/tokens.h"
#include "store/transaction.h"
#include "store_fixture.h"

/* ---- enterprises and admins ---- */

static void enterprises(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    apr_array_header_t *list;
    whk_enterprise_t *found;
    int added = -1;

    good(whk_store_enterprise_add(store, pool, "b", "B & Co", apr_time_from_msec(5), &added));
    assert_int_equal(added, 1);
    good(whk_store_enterprise_add(store, pool, "b", "other", apr_time_from_msec(6), &added));
    assert_int_equal(added, 0);
    good(whk_store_enterprise_get(store, pool, "b", &found));
    assert_string_equal(found->id, "b");
    assert_string_equal(found->name, "B & Co");
    assert_int_equal(apr_time_as_msec(found->created), 5);
    assert_int_equal(found->revision, 0);
    assert_int_equal(found->active_keys, 0);
    assert_int_equal(found->event_count, 0);
    assert_string_equal(found->event_head, "");
    good(whk_store_enterprise_get(store, pool, "none", &found));
    assert_null(found);
    good(whk_store_enterprise_walk(store, pool, "", 10, &list));
    assert_int_equal(list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(list, 0, whk_enterprise_t *)->id, "acme");
    assert_string_equal(APR_ARRAY_IDX(list, 1, whk_enterprise_t *)->id, "b");
    good(whk_store_enterprise_walk(store, pool, "acme", 10, &list));
    assert_int_equal(list->nelts, 1);
    good(whk_store_enterprise_walk(store, pool, "", 1, &list));
    assert_int_equal(list->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(list, 0, whk_enterprise_t *)->id, "acme");
}

static void admins(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    apr_array_header_t *list;
    whk_admin_t *admin;
    int done = -1;

    good(add_admin(store, pool, "acme", "bob", apr_time_from_msec(7), &done));
    assert_int_equal(done, 1);
    good(add_admin(store, pool, "acme", "bob", apr_time_from_msec(8), &done));
    assert_int_equal(done, 0);
    good(add_admin(store, pool, "acme", "alice", apr_time_from_msec(9), &done));
    good(whk_store_admin_get(store, pool, "acme", "bob", &admin));
    assert_string_equal(admin->user, "bob");
    assert_string_equal(admin->enterprise_id, "acme");
    good(whk_store_admin_get(store, pool, "acme", "Bob", &admin));
    assert_null(admin);
    good(whk_store_admin_get(store, pool, "none", "bob", &admin));
    assert_null(admin);
    good(whk_store_admin_list(store, pool, "acme", &list));
    assert_int_equal(list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(list, 0, whk_admin_t *)->user, "alice");
    assert_string_equal(APR_ARRAY_IDX(list, 1, whk_admin_t *)->user, "bob");
    assert_int_equal(apr_time_as_msec(APR_ARRAY_IDX(list, 1, whk_admin_t *)->created), 7);
    good(whk_store_admin_remove(store, pool, "acme", "bob", &done));
    assert_int_equal(done, 1);
    good(whk_store_admin_remove(store, pool, "acme", "bob", &done));
    assert_int_equal(done, 0);
    good(whk_store_admin_get(store, pool, "acme", "bob", &admin));
    assert_null(admin);
    bad(add_admin(store, pool, "none", "bob", 0, &done), WHK_STORE_UNAVAILABLE, "can't write");
}

/* ---- tokens ---- */

static void insert_token(fixture_t *fixture, const char *id, const char *user, const char *label,
                         apr_time_t expires)
{
    whk_token_t token = {.id = id,
                         .hash = apr_pstrcat(fixture->pool, "hash of ", id, NULL),
                         .user = user,
                         .label = label,
                         .created = apr_time_from_msec(10),
                         .expires = expires};

    good(whk_store_token_insert(fixture->link->store, fixture->pool, &token));
}

static void tokens(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    apr_array_header_t *list;
    whk_token_t *token;
    int revoked = -1;

    insert_token(fixture, "t1", "bob", "a label", apr_time_from_msec(99));
    insert_token(fixture, "t2", "alice", NULL, 0);
    insert_token(fixture, "t3", "bob", NULL, 0);
    good(whk_store_token_find(store, pool, "hash of t1", &token));
    assert_string_equal(token->id, "t1");
    assert_string_equal(token->hash, "hash of t1");
    assert_string_equal(token->user, "bob");
    assert_string_equal(token->label, "a label");
    assert_int_equal(apr_time_as_msec(token->created), 10);
    assert_int_equal(apr_time_as_msec(token->expires), 99);
    assert_int_equal(token->revoked, 0);
    good(whk_store_token_find(store, pool, "hash of t2", &token));
    assert_null(token->label);
    assert_int_equal(token->expires, 0);
    good(whk_store_token_find(store, pool, "hash of t4", &token));
    assert_null(token);
    good(whk_store_token_list(store, pool, NULL, &list));
    assert_int_equal(list->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(list, 2, whk_token_t *)->id, "t3");
    good(whk_store_token_list(store, pool, "bob", &list));
    assert_int_equal(list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(list, 0, whk_token_t *)->id, "t1");
    assert_string_equal(APR_ARRAY_IDX(list, 1, whk_token_t *)->id, "t3");
    good(whk_store_token_revoke(store, pool, "t1", apr_time_from_msec(20), &revoked));
    assert_int_equal(revoked, 1);
    good(whk_store_token_revoke(store, pool, "t1", apr_time_from_msec(30), &revoked));
    assert_int_equal(revoked, 0);
    good(whk_store_token_revoke(store, pool, "none", apr_time_from_msec(30), &revoked));
    assert_int_equal(revoked, 0);
    good(whk_store_token_find(store, pool, "hash of t1", &token));
    assert_int_equal(apr_time_as_msec(token->revoked), 20);
}

/* ---- one-time passwords ---- */

static void enrolments(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    whk_otp_enrolment_t enrolment = make_enrolment("bob");
    whk_otp_enrolment_t *found;
    apr_array_header_t *list;
    int done = -1;

    enrolment.failures = 3;
    enrolment.last_step = 77;
    enrolment.locked_until = apr_time_from_msec(88);
    good(whk_store_otp_put(store, pool, &enrolment));
    good(whk_store_otp_get(store, pool, "bob", &found));
    assert_string_equal(found->user, "bob");
    assert_string_equal(found->sealed_secret, "sealed");
    assert_string_equal(found->algorithm, "sha1");
    assert_int_equal(found->digits, 6);
    assert_int_equal(found->period, 30);
    assert_int_equal(found->last_step, 77);
    assert_int_equal(found->failures, 3);
    assert_int_equal(apr_time_as_msec(found->locked_until), 88);
    assert_int_equal(apr_time_as_msec(found->created), 1700000000123);
    /* Enrolled anew: the state of the old secret is not that of the new one. */
    enrolment = make_enrolment("bob");
    enrolment.sealed_secret = "sealed anew";
    good(whk_store_otp_put(store, pool, &enrolment));
    good(whk_store_otp_get(store, pool, "bob", &found));
    assert_string_equal(found->sealed_secret, "sealed anew");
    assert_int_equal(found->last_step, -1);
    assert_int_equal(found->failures, 0);
    assert_int_equal(found->locked_until, 0);
    enrolment = make_enrolment("alice");
    good(whk_store_otp_put(store, pool, &enrolment));
    good(whk_store_otp_list(store, pool, &list));
    assert_int_equal(list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(list, 0, whk_otp_enrolment_t *)->user, "alice");
    good(whk_store_otp_remove(store, pool, "bob", &done));
    assert_int_equal(done, 1);
    good(whk_store_otp_remove(store, pool, "bob", &done));
    assert_int_equal(done, 0);
    good(whk_store_otp_get(store, pool, "bob", &found));
    assert_null(found);
    good(whk_store_otp_unlock(store, pool, "bob", &done));
    assert_int_equal(done, 0);
}

static int accept_step(fixture_t *fixture, const char *sealed, apr_int64_t step, apr_int64_t now)
{
    int accepted = -1;

    good(whk_store_otp_accept(fixture->link->store, fixture->pool, "bob", sealed, step,
                              apr_time_from_msec(now), apr_time_from_msec(now + 40000), &accepted));
    return accepted;
}

static void a_step_is_used_up_once(void **state)
{
    fixture_t *fixture = *state;
    whk_otp_enrolment_t enrolment = make_enrolment("bob");
    whk_otp_enrolment_t *found;
    int unlocked = -1;

    enrolment.failures = 4;
    good(whk_store_otp_put(fixture->link->store, fixture->pool, &enrolment));
    assert_int_equal(accept_step(fixture, "another secret", 50, 1000), 0);
    assert_int_equal(accept_step(fixture, "sealed", 50, 1000), 1);
    good(whk_store_otp_get(fixture->link->store, fixture->pool, "bob", &found));
    assert_int_equal(found->last_step, 50);
    assert_int_equal(found->failures, 0);
    assert_int_equal(accept_step(fixture, "sealed", 50, 1000), 0);
    assert_int_equal(accept_step(fixture, "sealed", 49, 1000), 0);
    assert_int_equal(accept_step(fixture, "sealed", 51, 1000), 1);
    enrolment.locked_until = apr_time_from_msec(2000);
    good(whk_store_otp_put(fixture->link->store, fixture->pool, &enrolment));
    assert_int_equal(accept_step(fixture, "sealed", 60, 1999), 0);
    assert_int_equal(accept_step(fixture, "sealed", 60, 2000), 1);
    enrolment.locked_until = apr_time_from_msec(9000);
    good(whk_store_otp_put(fixture->link->store, fixture->pool, &enrolment));
    good(whk_store_otp_unlock(fixture->link->store, fixture->pool, "bob", &unlocked));
    assert_int_equal(unlocked, 1);
    assert_int_equal(accept_step(fixture, "sealed", 60, 3000), 1);
}

typedef struct {
    apr_time_t now;
    whk_otp_enrolment_t *enrolment;
    int counted;
    apr_time_t lock; /* 0: none */
} refusal_t;

static const whk_outcome_t *refuse_work(whk_store_t *store, void *refusal_, apr_pool_t *pool)
{
    refusal_t *refusal = refusal_;

    WHK_TRY(whk_store_otp_count_refusal(store, pool, "bob", refusal->now,
                                        refusal->now + apr_time_from_sec(35), &refusal->enrolment,
                                        &refusal->counted));
    return refusal->lock ? whk_store_otp_lock(store, pool, "bob", refusal->lock) : NULL;
}

/* How often and for how long is the registry's to say. */
static void refusals_are_counted_where_no_lock_is(void **state)
{
    fixture_t *fixture = *state;
    whk_store_t *store = fixture->link->store;
    whk_otp_enrolment_t enrolment = make_enrolment("bob");
    refusal_t refusal = {apr_time_from_sec(1000), NULL, -1, 0};
    int i;

    good(whk_store_otp_put(store, fixture->pool, &enrolment));
    for (i = 1; i <= 3; i++) {
        refusal.lock = i == 3 ? apr_time_from_sec(1010) : 0;
        good(whk_store_transaction(store, fixture->pool, refuse_work, &refusal));
        assert_int_equal(refusal.counted, 1);
        assert_int_equal(refusal.enrolment->failures, i);
        assert_int_equal(refusal.enrolment->locked_until, 0);
    }
    refusal.lock = 0;
    good(whk_store_transaction(store, fixture->pool, refuse_work, &refusal));
    assert_int_equal(refusal.counted, 0);
    assert_int_equal(refusal.enrolment->failures, 3);
    assert_int_equal(refusal.enrolment->locked_until, apr_time_from_sec(1010));
    /* It is over, or further ahead than a lock can be. */
    refusal.now = apr_time_from_sec(1010);
    good(whk_store_transaction(store, fixture->pool, refuse_work, &refusal));
    assert_int_equal(refusal.counted, 1);
    refusal.now = apr_time_from_sec(974);
    good(whk_store_transaction(store, fixture->pool, refuse_work, &refusal));
    assert_int_equal(refusal.counted, 1);
    assert_int_equal(refusal.enrolment->failures, 5);
    good(whk_store_otp_remove(store, fixture->pool, "bob", &refusal.counted));
    good(whk_store_transaction(store, fixture->pool, refuse_work, &refusal));
    assert_int_equal(refusal.counted, 0);
    assert_null(refusal.enrolment);
}

/* ---- keys ---- */

static void null_is_not_empty(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    whk_key_t key = make_key("acme", "with", "print");
    whk_key_t *found;
    whk_enterprise_t *enterprise;
    int added = 0;

    key.id = "1";
    key.jwks_uri = "";
    key.key_name = "";
    good(whk_store_transaction(store, pool, insert_work, &key));
    good(insert(fixture, "acme", "without", "other print"));
    good(whk_store_key_get(store, pool, "acme", "with", &found));
    assert_string_equal(found->jwks_uri, "");
    assert_string_equal(found->key_name, "");
    assert_null(found->revoked_by);
    good(whk_store_key_get(store, pool, "acme", "without", &found));
    assert_null(found->jwks_uri);
    good(whk_store_enterprise_get(store, pool, "acme", &enterprise));
    assert_null(enterprise->name);
    good(whk_store_enterprise_add(store, pool, "empty", "", 0, &added));
    good(whk_store_enterprise_get(store, pool, "empty", &enterprise));
    assert_string_equal(enterprise->name, "");
    assert_string_equal(
        ask_sql(pool, fixture->link, "SELECT jwks_uri IS NULL FROM whk_key ORDER BY key_number", 0),
        "0|1");
}

static void names_differ_byte_by_byte(void **state)
{
    static const char *const names[] = {"key",
                                        "KEY",
                                        "Key",
                                        "ke\xcc\x81y",
                                        "k\xc3\xa9y",
                                        "key\xc2\xa0x",
                                        "key x",
                                        "key\xe2\x80\x8b",
                                        "\xe2\x84\xaa"
                                        "ey",
                                        "k\xc4\xb1y",
                                        "kiy",
                                        "k%y",
                                        "k_y",
                                        "k'y",
                                        "k\"y",
                                        "k\\y",
                                        "0",
                                        "00",
                                        "0.0",
                                        "\xef\xbb\xbf"
                                        "key",
                                        "\xf0\x9f\x94\x91"};
    fixture_t *fixture = *state;
    size_t count = sizeof(names) / sizeof(names[0]);
    whk_key_t *found;
    apr_int64_t total;
    apr_array_header_t *keys;
    size_t i;

    for (i = 0; i < count; i++)
        good(insert(fixture, "acme", names[i], apr_psprintf(fixture->pool, "print %d", (int)i)));
    for (i = 0; i < count; i++) {
        good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", names[i], &found));
        assert_string_equal(found->key_id, names[i]);
        assert_string_equal(found->thumbprint, apr_psprintf(fixture->pool, "print %d", (int)i));
        assert_non_null(insert(fixture, "acme", names[i], "fresh"));
    }
    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "kEY", &found));
    assert_null(found);
    good(whk_store_key_list(fixture->link->store, fixture->pool, "acme", NULL, 0, 100, 0, &keys,
                            &total));
    assert_int_equal(total, count);
}

static void a_key_is_used_once(void **state)
{
    fixture_t *fixture = *state;
    whk_store_t *store = fixture->link->store;
    whk_key_t *found;

    add_enterprise(fixture, "other");
    good(insert(fixture, "acme", "one", "print"));
    assert_non_null(insert(fixture, "acme", "one", "another print"));
    assert_non_null(insert(fixture, "acme", "two", "print"));
    good(insert(fixture, "other", "one", "print"));
    good(whk_store_key_by_thumbprint(store, fixture->pool, "acme", "print", &found));
    assert_string_equal(found->key_id, "one");
    good(whk_store_key_by_thumbprint(store, fixture->pool, "acme", "PRINT", &found));
    assert_null(found);
    good(whk_store_key_by_thumbprint(store, fixture->pool, "none", "print", &found));
    assert_null(found);
    assert_string_equal(ask_sql(fixture->pool, fixture->link, "SELECT count(*) FROM whk_key", 0),
                        "2");
}

static void a_key_is_revoked_once(void **state)
{
    fixture_t *fixture = *state;
    whk_store_t *store = fixture->link->store;
    whk_key_t *found;

    good(insert(fixture, "acme", "one", "print"));
    assert_int_equal(revoke_key(fixture, "one"), 1);
    assert_int_equal(revoke_key(fixture, "one"), 0);
    good(whk_store_key_get(store, fixture->pool, "acme", "one", &found));
    assert_int_equal(found->status, WHK_KEY_STATUS_REVOKED);
    assert_int_equal(apr_time_as_msec(found->revoked), 42);
    assert_string_equal(found->revoked_by, "bob");
    assert_string_equal(found->seal, "another seal");
    assert_int_equal(revoke_key(fixture, "none"), 0);
}

/* ---- events, and the enterprise's row ---- */

static const whk_outcome_t *event_work(whk_store_t *store, void *id, apr_pool_t *pool)
{
    whk_event_t event = {.id = *(apr_int64_t *)id,
                         .enterprise_id = "acme",
                         .type = "key.revoked",
                         .actor = "alice",
                         .at = apr_time_from_msec(1700000000123),
                         .hash = apr_psprintf(pool, "hash %d", (int)*(apr_int64_t *)id)};
    whk_enterprise_t *enterprise;

    if (event.id % 2) {
        event.key_id = "key";
        event.remote_address = "::1";
        event.request_id = "request";
        event.detail = "";
    }
    WHK_TRY(whk_store_enterprise_lock(store, pool, "acme", &enterprise));
    WHK_TRY(whk_store_event_insert(store, pool, &event));
    enterprise->event_count++;
    enterprise->active_keys = 7;
    enterprise->revision += 2;
    enterprise->event_head = event.hash;
    return whk_store_enterprise_update(store, pool, enterprise);
}

static void events(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool = fixture->pool;
    whk_store_t *store = fixture->link->store;
    whk_enterprise_t *enterprise;
    apr_array_header_t *list;
    apr_int64_t id, total = -1;
    const whk_event_t *event;

    for (id = 1; id <= 4; id++)
        good(whk_store_transaction(store, pool, event_work, &id));
    good(whk_store_enterprise_get(store, pool, "acme", &enterprise));
    assert_int_equal(enterprise->event_count, 4);
    assert_int_equal(enterprise->active_keys, 7);
    assert_int_equal(enterprise->revision, 8);
    assert_string_equal(enterprise->event_head, "hash 4");
    good(whk_store_event_list(store, pool, "acme", 2, 1, &list, &total));
    assert_int_equal(total, 4);
    assert_int_equal(list->nelts, 2);
    event = APR_ARRAY_IDX(list, 0, const whk_event_t *);
    assert_int_equal(event->id, 3);
    assert_string_equal(event->enterprise_id, "acme");
    assert_string_equal(event->type, "key.revoked");
    assert_string_equal(event->key_id, "key");
    assert_string_equal(event->actor, "alice");
    assert_int_equal(apr_time_as_msec(event->at), 1700000000123);
    assert_string_equal(event->remote_address, "::1");
    assert_string_equal(event->request_id, "request");
    assert_string_equal(event->detail, "");
    assert_string_equal(event->hash, "hash 3");
    event = APR_ARRAY_IDX(list, 1, const whk_event_t *);
    assert_int_equal(event->id, 2);
    assert_null(event->key_id);
    assert_null(event->remote_address);
    assert_null(event->request_id);
    assert_null(event->detail);
    good(whk_store_event_walk(store, pool, "acme", 2, 10, &list));
    assert_int_equal(list->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(list, 0, const whk_event_t *)->id, 3);
    good(whk_store_event_walk(store, pool, "acme", 0, 3, &list));
    assert_int_equal(list->nelts, 3);
    good(whk_store_event_list(store, pool, "none", 10, 0, &list, &total));
    assert_int_equal(list->nelts, 0);
    assert_int_equal(total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(enterprises),
        STORE_TEST(admins),
        STORE_TEST(tokens),
        STORE_TEST(enrolments),
        STORE_TEST(a_step_is_used_up_once),
        STORE_TEST(refusals_are_counted_where_no_lock_is),
        STORE_TEST(null_is_not_empty),
        STORE_TEST(names_differ_byte_by_byte),
        STORE_TEST(a_key_is_used_once),
        STORE_TEST(a_key_is_revoked_once),
        STORE_TEST(events),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
