/* SPDX-License-Identifier: Apache-2.0 */
/* The key cache over a real store: known keys and unknown ones cost nothing. */

#include "key_cache_fixture.h"
#include "store/remote_sets.h"
#include "store/store.h"

static void a_known_key_costs_nothing(void **state)
{
    whk_held_key_t *first;
    whk_held_key_t *second;
    int before;

    (void)state;
    change_by(register_work, "acme", "one", 0);
    good(find_in(world.request, "acme", "one", &first));
    before = asked();
    good(find_in(world.request, "acme", "one", &second));
    assert_int_equal(asked(), before);
    assert_string_equal(second->key_id, "one");
    /* Parsed once. */
    assert_ptr_equal(first->jwk, second->jwk);
}

static void what_does_not_exist_costs_nothing(void **state)
{
    fixture_t *fixture = *state;
    int before;
    int i;

    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    before = asked();
    for (i = 0; i < 1000; i++) {
        refused(find("acme", apr_itoa(fixture->pool, i)), WHK_UNKNOWN_KEY);
        refused(find(apr_itoa(fixture->pool, i), "one"), WHK_UNKNOWN_KEY);
    }
    assert_int_equal(asked(), before);
}

#define SET_URI "https://example.com/set"

static const whk_outcome_t *follow_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const change_t *change = baton;
    whk_key_t key = make_key(change->enterprise, "*", "set:id");
    int inserted;

    key.id = "id";
    key.jwk = WHK_SET_JWK;
    key.algorithm = "";
    key.jwks_uri = SET_URI;
    WHK_TRY(whk_key_set_seal(pool, world.fixture->secret, &key));
    WHK_TRY(add_key(store, pool, &key, &inserted));
    WHK_TRY(whk_store_remote_set_add(store, pool, SET_URI, apr_time_now() + apr_time_from_sec(100),
                                     apr_time_now() + apr_time_from_sec(200)));
    return bump(store, change->enterprise, pool);
}

static const char *asked_at(fixture_t *fixture)
{
    return ask_sql(fixture->pool, fixture->link, "SELECT asked_at FROM whk_remote_set", 0);
}

static void ask_for_what_is_wanted(fixture_t *fixture)
{
    good(whk_wanted_sets_ask(world.cache->wanted, fixture->link->store, fixture->pool));
}

/* A note is left, no more than one, and no question is asked in the request's way. */
static void a_kid_that_a_followed_set_may_have(void **state)
{
    fixture_t *fixture = *state;
    int before;
    int i;

    change_by(register_work, "acme", "one", 0);
    change_by(follow_work, "acme", "*", 0);
    good(find("acme", "one"));
    refused(find("acme", "*"), WHK_UNKNOWN_KEY);
    assert_string_equal(asked_at(fixture), "0");
    ask_for_what_is_wanted(fixture);
    assert_string_not_equal(asked_at(fixture), "0");
    run_sql(fixture->link, "UPDATE whk_remote_set SET asked_at = 0, refresh_at = fresh_until");
    before = asked();
    for (i = 0; i < 1000; i++)
        refused(find("acme", apr_itoa(fixture->pool, i)), WHK_UNKNOWN_KEY);
    ask_for_what_is_wanted(fixture);
    assert_int_equal(asked(), before);
    assert_string_equal(asked_at(fixture), "0");
    /* A minute later again, also where its keys were read anew. */
    stepped_monotonic += apr_time_from_sec(59);
    change_here(register_work, "acme", "two", 1);
    refused(find("acme", "nobody"), WHK_UNKNOWN_KEY);
    ask_for_what_is_wanted(fixture);
    assert_string_equal(asked_at(fixture), "0");
    stepped_monotonic += apr_time_from_sec(2);
    poll_now();
    refused(find("acme", "nobody"), WHK_UNKNOWN_KEY);
    ask_for_what_is_wanted(fixture);
    assert_string_not_equal(asked_at(fixture), "0");
}

static void a_change_here_is_seen_at_once(void **state)
{
    whk_held_key_t *before;
    whk_held_key_t *after;

    (void)state;
    refused(find("acme", "one"), WHK_UNKNOWN_KEY);
    change_here(register_work, "acme", "one", 0);
    good(find_in(world.request, "acme", "one", &before));
    change_here(register_work, "acme", "two", 1);
    good(find("acme", "two"));
    good(find_in(world.request, "acme", "one", &after));
    /* A key that stayed the same is not parsed again. */
    assert_ptr_equal(before->jwk, after->jwk);
    change_here(revoke_work, "acme", "one", 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    good(find("acme", "two"));
}

static void a_change_elsewhere_is_seen_by_a_poll(void **state)
{
    (void)state;
    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    change_by(revoke_work, "acme", "one", 0);
    good(find("acme", "one"));
    poll_now();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
}

static void a_request_polls_where_nobody_else_did(void **state)
{
    (void)state;
    make_key_cache(apr_time_from_msec(20), LAG);
    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    change_by(revoke_work, "acme", "one", 0);
    apr_sleep(apr_time_from_msec(30));
    refused(find("acme", "one"), WHK_KEY_REVOKED);
}

static void a_held_key_stays(void **state)
{
    apr_pool_t *request;
    whk_held_key_t *key;

    (void)state;
    apr_pool_create(&request, world.request);
    change_here(register_work, "acme", "one", 0);
    good(find_in(request, "acme", "one", &key));
    change_here(revoke_work, "acme", "one", 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    assert_string_equal(key->key_id, "one");
    assert_string_equal(key->jwk->family, "EdDSA");
    whk_held_key_note_use(key, apr_time_now());
    apr_pool_destroy(request);
}

static void a_store_that_is_away(void **state)
{
    fixture_t *fixture = *state;

    make_key_cache(apr_time_from_msec(20), apr_time_from_msec(400));
    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    fixture->link->refuse = 1;
    apr_sleep(apr_time_from_msec(40));
    good(find("acme", "one"));
    /* It might have been registered meanwhile. */
    refused(find("acme", "two"), WHK_STORE_UNAVAILABLE);
    refused(find("none", "one"), WHK_STORE_UNAVAILABLE);
    apr_sleep(apr_time_from_msec(400));
    refused(find("acme", "one"), WHK_STORE_UNAVAILABLE);
    fixture->link->refuse = 0;
    apr_sleep(apr_time_from_msec(1000));
    good(find("acme", "one"));
    refused(find("acme", "two"), WHK_UNKNOWN_KEY);
}

static void a_change_here_with_the_store_away(void **state)
{
    fixture_t *fixture = *state;

    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    change_here(revoke_work, "acme", "one", 0);
    fixture->link->refuse = 1;
    refused(find("acme", "one"), WHK_STORE_UNAVAILABLE);
    fixture->link->refuse = 0;
}

static void flaws(void **state)
{
    static const struct {
        const char *flaw;
        whk_code_t code;
    } rows[] = {{"gone", WHK_UNKNOWN_KEY},
                {"changed", WHK_JWKS_URI_KEY_CHANGED},
                {"unreachable", WHK_JWKS_URI_UNREACHABLE}};
    fixture_t *fixture = *state;
    apr_array_header_t *keys;
    size_t i;
    int total;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *enterprise = apr_pstrcat(fixture->pool, "with ", rows[i].flaw, NULL);

        add_enterprise(fixture, enterprise);
        change_here(register_work, enterprise, "one", 0);
        run_sql(fixture->link, apr_psprintf(fixture->pool,
                                            "UPDATE whk_key SET remote_flaw = '%s' WHERE "
                                            "enterprise_id = '%s'",
                                            rows[i].flaw, enterprise));
        reseal_key(fixture, enterprise, "one");
        refused(find(enterprise, "one"), rows[i].code);
        refused(whk_held_key_find_ed25519(world.cache, fixture->link->store, enterprise, 16, &keys,
                                          &total, world.request),
                WHK_UNKNOWN_KEY);
    }
}

/* The keyIds that are tried, of at most `most`, with spaces between. */
static const char *tried(int most, int *total)
{
    const char *names = "";
    apr_array_header_t *keys;
    int i;

    good(whk_held_key_find_ed25519(world.cache, world.fixture->link->store, "acme", most, &keys,
                                   total, world.request));
    for (i = 0; i < keys->nelts; i++)
        names = apr_pstrcat(world.request, names, i ? " " : "",
                            APR_ARRAY_IDX(keys, i, whk_held_key_t *)->key_id, NULL);
    return names;
}

static void use(const char *key_id, int seconds)
{
    whk_held_key_t *key;

    pass(61);
    good(find_in(world.request, "acme", key_id, &key));
    whk_held_key_note_use(key, apr_time_from_sec(1800000000 + seconds));
}

/* Those used last first, then the newest, and never more than are asked for. */
static void ed25519_keys(void **state)
{
    fixture_t *fixture = *state;
    int total;
    char name;

    for (name = 'a'; name <= 't'; name++)
        change_by(register_work, "acme", apr_psprintf(fixture->pool, "%c", name), name - 'a');
    change_by(register_work, "acme", "of another curve", ED448);
    assert_string_equal(tried(3, &total), "t s r");
    assert_int_equal(total, 20);
    use("c", 0);
    use("k", 100);
    use("g", 200);
    assert_string_equal(tried(5, &total), "g k c t s");
    use("c", 300);
    assert_string_equal(tried(2, &total), "c g");
    assert_int_equal(strlen(tried(100, &total)), 2 * 20 - 1);
    change_here(revoke_work, "acme", "c", 0);
    assert_string_equal(tried(4, &total), "g k t s");
    assert_int_equal(total, 19);
}

/* A process that starts tries first what others used. */
static void ed25519_keys_of_a_fresh_process(void **state)
{
    fixture_t *fixture = *state;
    int total;

    change_by(register_work, "acme", "a", 0);
    change_by(register_work, "acme", "b", 1);
    change_by(register_work, "acme", "c", 2);
    run_sql(fixture->link, "UPDATE whk_key SET last_used_at = 1800000000000 WHERE key_id = 'a'");
    assert_string_equal(tried(2, &total), "a c");
}

/* One row that is not as we wrote it fails alone, and with a hint. */
static void a_row_that_was_changed(void **state)
{
    static const char *const changes[] = {
        "jwk = '{\"kty\":\"oct\"}'",
        "jwk = (SELECT max(jwk) FROM whk_key WHERE key_id = 'two')",
        "key_name = 'x'",
        "id = 'x'",
        "algorithm = 'RSA'",
        "thumbprint = 'x'",
        "created_at = created_at + 1",
        "created_by = 'x'",
        "revoked_at = 1",
        "revoked_by = 'x'",
        "remote_flaw = 'gone'",
        "jwks_uri = 'https://example.com/'",
        "seal = NULL",
        "seal = ''",
        "seal = 'v1..'",
        "seal = (SELECT max(seal) FROM whk_key WHERE key_id = 'two')",
        "status = 'REVOKED'",
    };
    fixture_t *fixture = *state;
    apr_array_header_t *keys;
    whk_held_key_t *key;
    int total;
    size_t i;

    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const char *enterprise =
            apr_pstrcat(fixture->pool, "with ", apr_itoa(fixture->pool, (int)i), NULL);

        add_enterprise(fixture, enterprise);
        change_here(register_work, enterprise, "one", 0);
        change_here(register_work, enterprise, "two", 1);
        run_sql(fixture->link,
                apr_psprintf(fixture->pool,
                             "UPDATE whk_key SET %s WHERE key_id = 'one' AND enterprise_id = '%s'",
                             changes[i], enterprise));
        bad(find(enterprise, "one"), WHK_INTERNAL_ERROR, "key one of enterprise with ");
        good(find_in(world.request, enterprise, "two", &key));
        good(whk_held_key_find_ed25519(world.cache, fixture->link->store, enterprise, 16, &keys,
                                       &total, world.request));
        assert_int_equal(keys->nelts, 1);
        assert_string_equal(APR_ARRAY_IDX(keys, 0, whk_held_key_t *)->key_id, "two");
    }
}

/* More than are kept parsed: all serve, the oldest at the price of another parse. */
static void more_parsed_keys_than_are_kept(void **state)
{
    fixture_t *fixture = *state;
    whk_held_key_t *key;
    const whk_jwk_t *kept;
    apr_pool_t *request;
    int i;

    make_sized_key_cache(ENTERPRISES_MOST, 2 * 10 * WHK_PARSED_KEY_SIZE);
    for (i = 0; i < 11; i++)
        change_by(register_work, "acme", apr_itoa(fixture->pool, i), i + 2);
    apr_pool_create(&request, world.request);
    for (i = 0; i < 23; i++) {
        apr_pool_clear(request);
        good(find_in(request, "acme", apr_itoa(fixture->pool, i % 11), &key));
        assert_string_equal(key->jwk->family, "EdDSA");
    }
    kept = key->jwk;
    good(find_in(request, "acme", "0", &key));
    assert_ptr_equal(key->jwk, kept);
    apr_pool_destroy(request);
}

static int asked_for(const char *enterprise)
{
    int before = asked();

    good(find(enterprise, "one"));
    return asked() - before;
}

/* Those that sent nothing for longest go, and are read again. */
static void more_enterprises_than_are_kept(void **state)
{
    fixture_t *fixture = *state;
    const char *id;
    int i;

    make_sized_key_cache(ENTERPRISES_MOST, 16384);
    change_by(register_work, "acme", "one", 0);
    assert_true(asked_for("acme") > 0);
    for (i = 0; i < 100; i++) {
        id = apr_psprintf(fixture->pool, "enterprise %d", i);
        add_enterprise(fixture, id);
        change_here(register_work, id, "one", 0);
        good(find(id, "one"));
        assert_int_equal(asked_for("acme"), 0);
    }
    assert_int_equal(asked_for("enterprise 99"), 0);
    assert_int_equal(asked_for("enterprise 80"), 0);
    assert_true(asked_for("enterprise 0") > 0);
    assert_int_equal(asked_for("enterprise 0"), 0);
}

/* What one of them learns, the others know. */
static void processes_of_a_node(void **state)
{
    fixture_t *fixture = *state;
    whk_key_cache_t *other = make_process(LAG, LAG, CACHE_SIZE);
    whk_held_key_t *key;
    int before;

    apr_pool_create(&world.request, fixture->pool);
    change_by(register_work, "acme", "one", 0);
    poll_now();
    before = asked();
    refused(whk_held_key_find(other, fixture->link->store, "none", "one", &key, world.request),
            WHK_UNKNOWN_KEY);
    assert_int_equal(asked(), before);
    good(whk_held_key_find(other, fixture->link->store, "acme", "one", &key, world.request));
    change_here(revoke_work, "acme", "one", 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    before = asked();
    refused(whk_held_key_find(other, fixture->link->store, "acme", "one", &key, world.request),
            WHK_KEY_REVOKED);
    /* Its keys, but not which enterprises changed. */
    assert_int_equal(asked(), before + 3);
    good(whk_change_poll_if_due(other->poll, fixture->link->store, apr_time_from_sec(1), NULL,
                                fixture->pool));
    assert_int_equal(asked(), before + 3);
    stepped_monotonic += apr_time_from_sec(1);
    good(whk_change_poll_if_due(other->poll, fixture->link->store, apr_time_from_sec(1), NULL,
                                fixture->pool));
    good(whk_change_poll_if_due(world.cache->poll, fixture->link->store, apr_time_from_sec(1), NULL,
                                fixture->pool));
    assert_int_equal(asked(), before + 4);
}

static void more_enterprises_than_there_is_room_for(void **state)
{
    fixture_t *fixture = *state;
    int before;

    make_sized_key_cache(2, CACHE_SIZE);
    add_enterprise(fixture, "b");
    add_enterprise(fixture, "c");
    change_by(register_work, "acme", "one", 0);
    change_by(register_work, "b", "one", 0);
    change_by(register_work, "c", "one", 0);
    assert_int_equal(whk_directory_became_full(&world.cache->directory), 0);
    good(find("acme", "one"));
    good(find("b", "one"));
    /* It is asked about, as is one that may be there, and what was answered serves for a lag. */
    good(find("c", "one"));
    refused(find("d", "one"), WHK_UNKNOWN_KEY);
    before = asked();
    good(find("c", "one"));
    assert_int_equal(asked(), before);
    refused(find("d", "one"), WHK_UNKNOWN_KEY);
    assert_int_equal(asked(), before + 1);
    change_here(revoke_work, "c", "one", 0);
    refused(find("c", "one"), WHK_KEY_REVOKED);
    assert_int_equal(whk_directory_became_full(&world.cache->directory), 1);
    assert_int_equal(whk_directory_became_full(&world.cache->directory), 0);
}

static apr_int64_t used_at(fixture_t *fixture)
{
    return apr_atoi64(
        ask_sql(fixture->pool, fixture->link, "SELECT coalesce(last_used_at, 0) FROM whk_key", 0));
}

static void uses(void **state)
{
    fixture_t *fixture = *state;
    whk_store_t *store = fixture->link->store;
    apr_time_t now = apr_time_from_msec(1800000000000);
    whk_held_key_t *key;
    int before;

    change_here(register_work, "acme", "one", 0);
    good(find_in(world.request, "acme", "one", &key));
    before = asked();
    good(whk_key_uses_write(world.cache->uses, store, fixture->pool));
    whk_held_key_note_use(key, now);
    assert_int_equal(asked(), before);
    fixture->link->refuse = 1;
    refused(whk_key_uses_write(world.cache->uses, store, fixture->pool), WHK_STORE_UNAVAILABLE);
    fixture->link->refuse = 0;
    good(whk_key_uses_write(world.cache->uses, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now));
    stepped_monotonic += apr_time_from_sec(58);
    whk_held_key_note_use(key, now + apr_time_from_sec(58));
    good(whk_key_uses_write(world.cache->uses, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now));
    stepped_monotonic += apr_time_from_sec(2);
    whk_held_key_note_use(key, now + apr_time_from_sec(60));
    good(whk_key_uses_write(world.cache->uses, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now) + 60000);
    /* What a wrong clock wrote does not stay until its time has come. */
    stepped_monotonic += apr_time_from_sec(60);
    whk_held_key_note_use(key, now - apr_time_from_sec(3600));
    good(whk_key_uses_write(world.cache->uses, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now) - 3600000);
}

static void the_wall_clock_steps_back(void **state)
{
    fixture_t *fixture = *state;

    make_key_cache(apr_time_from_sec(1), apr_time_from_sec(5));
    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    stepped_wall -= apr_time_from_sec(3600);
    change_by(revoke_work, "acme", "one", 0);
    stepped_monotonic += apr_time_from_sec(2);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    fixture->link->refuse = 1;
    stepped_monotonic += apr_time_from_sec(2);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    stepped_wall -= apr_time_from_sec(3600);
    stepped_monotonic += apr_time_from_sec(4);
    refused(find("acme", "one"), WHK_STORE_UNAVAILABLE);
    fixture->link->refuse = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_CACHE_TEST(a_known_key_costs_nothing),
        KEY_CACHE_TEST(what_does_not_exist_costs_nothing),
        KEY_CACHE_TEST(a_kid_that_a_followed_set_may_have),
        KEY_CACHE_TEST(a_change_here_is_seen_at_once),
        KEY_CACHE_TEST(a_change_elsewhere_is_seen_by_a_poll),
        KEY_CACHE_TEST(a_request_polls_where_nobody_else_did),
        KEY_CACHE_TEST(a_held_key_stays),
        KEY_CACHE_TEST(a_store_that_is_away),
        KEY_CACHE_TEST(a_change_here_with_the_store_away),
        KEY_CACHE_TEST(flaws),
        KEY_CACHE_TEST(ed25519_keys),
        KEY_CACHE_TEST(ed25519_keys_of_a_fresh_process),
        KEY_CACHE_TEST(a_row_that_was_changed),
        KEY_CACHE_TEST(more_parsed_keys_than_are_kept),
        KEY_CACHE_TEST(more_enterprises_than_are_kept),
        KEY_CACHE_TEST(processes_of_a_node),
        KEY_CACHE_TEST(more_enterprises_than_there_is_room_for),
        KEY_CACHE_TEST(uses),
        KEY_CACHE_TEST(the_wall_clock_steps_back),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
