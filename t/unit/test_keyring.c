/* The keyring over a real store, whose connections count what is asked: known keys and unknown ones
 * cost nothing. */

#include "store_fixture.h"

#include "jose/base64url.h"
#include "jose/json.h"
#include "registry/keyring.h"
#include "registry/ring.h"

#define LAG apr_time_from_sec(60)

typedef struct {
    fixture_t *fixture;
    whk_change_slots_t slots;
    whk_keyring_t *keyring;
    apr_pool_t *request; /* made after the keyring, and so gone before it */
} world_t;

static world_t world;

static const char *const coordinates[] = {
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
};

/* A public key for each number beyond those. */
static const char *coordinate(int which)
{
    unsigned char bytes[32] = {(unsigned char)which, (unsigned char)(which >> 8)};
    size_t length = sizeof(bytes);
    EVP_PKEY *key;

    if (which < 2)
        return coordinates[which];
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, sizeof(bytes));
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &length), 1);
    EVP_PKEY_free(key);
    return whk_base64url_encode(world.fixture->pool, bytes, length);
}

static const whk_jwk_t *make_jwk(int which)
{
    const char *text =
        apr_psprintf(world.fixture->pool, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
                     coordinate(which));
    const whk_jwk_t *jwk;
    json_t *json;

    good(whk_json_parse(&json, text, strlen(text), "jwk", world.fixture->pool));
    good(whk_jwk_parse(&jwk, json, "jwk", ~0u, world.fixture->pool));
    return jwk;
}

typedef struct {
    const char *enterprise;
    const char *key_id;
    int which; /* of `coordinates` */
} change_t;

static const whk_outcome_t *bump(whk_store_t *store, const char *id, apr_pool_t *pool)
{
    whk_enterprise_t *enterprise;

    WHK_TRY(whk_store_enterprise_lock(store, pool, id, &enterprise));
    enterprise->revision++;
    return whk_store_enterprise_update(store, pool, enterprise);
}

static const whk_outcome_t *register_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const change_t *change = baton;
    const whk_jwk_t *jwk = make_jwk(change->which);
    whk_key_t key = make_key(change->enterprise, change->key_id, jwk->thumbprint);
    int inserted;

    key.id = apr_pstrcat(pool, change->enterprise, change->key_id, NULL);
    key.jwk = jwk->public_json;
    WHK_TRY(whk_key_set_seal(pool, world.fixture->secret, &key));
    WHK_TRY(whk_store_key_insert(store, pool, &key, &inserted));
    assert_int_equal(inserted, 1);
    return bump(store, change->enterprise, pool);
}

static const whk_outcome_t *revoke_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const change_t *change = baton;
    whk_key_t *key;
    int revoked;

    WHK_TRY(whk_store_key_get(store, pool, change->enterprise, change->key_id, &key));
    key->status = WHK_KEY_STATUS_REVOKED;
    key->revoked = apr_time_from_msec(1800000000000);
    key->revoked_by = "alice";
    WHK_TRY(whk_key_set_seal(pool, world.fixture->secret, key));
    WHK_TRY(whk_store_key_revoke(store, pool, key, &revoked));
    assert_int_equal(revoked, 1);
    return bump(store, change->enterprise, pool);
}

static void change_by(whk_transaction_fn work, const char *enterprise, const char *key_id,
                      int which)
{
    change_t change = {enterprise, key_id, which};

    good(whk_store_transaction(world.fixture->link->store, world.fixture->pool, work, &change));
}

static void change_here(whk_transaction_fn work, const char *enterprise, const char *key_id,
                        int which)
{
    change_by(work, enterprise, key_id, which);
    whk_keyring_changed(&world.slots, enterprise);
}

static const whk_outcome_t *find_in(apr_pool_t *pool, const char *enterprise, const char *key_id,
                                    whk_held_key_t **key)
{
    return whk_keyring_find(world.keyring, world.fixture->link->store, enterprise, key_id, key,
                            pool);
}

static const whk_outcome_t *find(const char *enterprise, const char *key_id)
{
    whk_held_key_t *key;

    return find_in(world.request, enterprise, key_id, &key);
}

static void refused(const whk_outcome_t *outcome, whk_code_t code)
{
    assert_non_null(outcome);
    assert_string_equal(whk_code_name(outcome->code), whk_code_name(code));
}

static int asked(void)
{
    return world.fixture->link->acquired;
}

static void make_keyring(apr_interval_time_t lag, apr_interval_time_t max_stale)
{
    whk_keyring_settings_t settings = {lag, max_stale, &world.slots, world.fixture->secret};

    world.keyring = whk_keyring_create(&settings, world.fixture->pool);
    assert_non_null(world.keyring);
    apr_pool_create(&world.request, world.fixture->pool);
}

static int set_up_keyring(void **state)
{
    set_up(state);
    memset(&world, 0, sizeof(world));
    world.fixture = *state;
    make_keyring(LAG, LAG);
    return 0;
}

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
    fixture_t *fixture = *state;

    change_by(register_work, "acme", "one", 0);
    good(find("acme", "one"));
    change_by(revoke_work, "acme", "one", 0);
    good(find("acme", "one"));
    good(whk_keyring_poll(world.keyring, fixture->link->store, fixture->pool));
    refused(find("acme", "one"), WHK_KEY_REVOKED);
}

static void a_request_polls_where_nobody_else_did(void **state)
{
    (void)state;
    make_keyring(apr_time_from_msec(20), LAG);
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
    whk_keyring_note_use(world.keyring, key, apr_time_now());
    apr_pool_destroy(request);
}

static void a_store_that_is_away(void **state)
{
    fixture_t *fixture = *state;

    make_keyring(apr_time_from_msec(20), apr_time_from_msec(400));
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
        refused(whk_keyring_find_eddsa(world.keyring, fixture->link->store, enterprise, &keys,
                                       world.request),
                WHK_UNKNOWN_KEY);
    }
}

static void all_eddsa_keys(void **state)
{
    fixture_t *fixture = *state;
    apr_array_header_t *keys;

    change_here(register_work, "acme", "z first", 0);
    change_here(register_work, "acme", "a second", 1);
    good(whk_keyring_find_eddsa(world.keyring, fixture->link->store, "acme", &keys, world.request));
    assert_int_equal(keys->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(keys, 0, whk_held_key_t *)->key_id, "z first");
    assert_string_equal(APR_ARRAY_IDX(keys, 1, whk_held_key_t *)->key_id, "a second");
}

/* One row that is not as we wrote it fails alone, and with a hint. */
static void a_row_that_was_changed(void **state)
{
    static const char *const changes[] = {
        "jwk = '{\"kty\":\"oct\"}'",
        "jwk = (SELECT jwk FROM whk_key WHERE key_id = 'two')",
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
        "seal = (SELECT seal FROM whk_key WHERE key_id = 'two')",
        "status = 'REVOKED'",
    };
    fixture_t *fixture = *state;
    apr_array_header_t *keys;
    whk_held_key_t *key;
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
        good(whk_keyring_find_eddsa(world.keyring, fixture->link->store, enterprise, &keys,
                                    world.request));
        assert_int_equal(keys->nelts, 1);
        assert_string_equal(APR_ARRAY_IDX(keys, 0, whk_held_key_t *)->key_id, "two");
    }
}

/* More than are kept parsed: all serve, the oldest at the price of another parse. */
static void more_than_are_kept(void **state)
{
    fixture_t *fixture = *state;
    whk_held_key_t *key;
    apr_pool_t *request;
    int i;

    for (i = 0; i <= WHK_PARSED_MOST; i++)
        change_by(register_work, "acme", apr_itoa(fixture->pool, i), i + 2);
    apr_pool_create(&request, world.request);
    for (i = 0; i <= WHK_PARSED_MOST + 1; i++) {
        apr_pool_clear(request);
        good(find_in(request, "acme", apr_itoa(fixture->pool, i % (WHK_PARSED_MOST + 1)), &key));
        assert_string_equal(key->jwk->family, "EdDSA");
    }
    apr_pool_destroy(request);
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
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    whk_keyring_note_use(world.keyring, key, now);
    assert_int_equal(asked(), before);
    fixture->link->refuse = 1;
    refused(whk_keyring_write_uses(world.keyring, store, fixture->pool), WHK_STORE_UNAVAILABLE);
    fixture->link->refuse = 0;
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now));
    whk_keyring_note_use(world.keyring, key, now + apr_time_from_sec(59));
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now));
    whk_keyring_note_use(world.keyring, key, now + apr_time_from_sec(60));
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now) + 60000);
}

#define KEYRING_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_keyring, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(a_known_key_costs_nothing),
        KEYRING_TEST(what_does_not_exist_costs_nothing),
        KEYRING_TEST(a_change_here_is_seen_at_once),
        KEYRING_TEST(a_change_elsewhere_is_seen_by_a_poll),
        KEYRING_TEST(a_request_polls_where_nobody_else_did),
        KEYRING_TEST(a_held_key_stays),
        KEYRING_TEST(a_store_that_is_away),
        KEYRING_TEST(a_change_here_with_the_store_away),
        KEYRING_TEST(flaws),
        KEYRING_TEST(all_eddsa_keys),
        KEYRING_TEST(a_row_that_was_changed),
        KEYRING_TEST(more_than_are_kept),
        KEYRING_TEST(uses),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
