/* The keyring over a real store, whose connections count what is asked: known keys and unknown ones
 * cost nothing. */

#include "store_fixture.h"

#include <pthread.h>

#include "jose/base64url.h"
#include "jose/json.h"
#include "registry/keyring.h"
#include "registry/ring.h"

#define LAG apr_time_from_sec(60)
#define REFRESH apr_time_from_sec(300)

/* t/lib/stepped_clock.c */
extern _Atomic long long stepped_wall;
extern _Atomic long long stepped_monotonic;

typedef struct {
    fixture_t *fixture;
    whk_change_slots_t slots;
    whk_keyring_t *keyring;
    apr_pool_t *request; /* made after the keyring, and so gone before it */
    int went_back;       /* how often it was told */
} world_t;

static world_t world;

static const char *const coordinates[] = {
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
};

#define ED448 -1

/* A public key for each number beyond those. */
static const char *coordinate(int which)
{
    unsigned char bytes[32] = {(unsigned char)which, (unsigned char)(which >> 8)};
    size_t length = sizeof(bytes);
    EVP_PKEY *key;

    if (which == ED448)
        return "hYrXq_uft9cfkj_NJI41WdUKVlXIb5D1K-6bPhcNMYPR6CLZkJEJtmQCszIGboYcu8lJ2wAMNrCA";
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
        apr_psprintf(world.fixture->pool, "{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"}",
                     which == ED448 ? "Ed448" : "Ed25519", coordinate(which));
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

static void note_went_back(void *baton)
{
    ((world_t *)baton)->went_back++;
}

static void make_keyring(apr_interval_time_t lag, apr_interval_time_t max_stale)
{
    whk_keyring_settings_t settings = {
        lag, max_stale, &world.slots, REFRESH, world.fixture->secret, note_went_back, &world};

    world.keyring = whk_keyring_create(&settings, world.fixture->pool);
    assert_non_null(world.keyring);
    apr_pool_create(&world.request, world.fixture->pool);
}

static int set_up_keyring(void **state)
{
    set_up(state);
    memset(&world, 0, sizeof(world));
    stepped_wall = stepped_monotonic = 0;
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
        refused(whk_keyring_find_ed25519(world.keyring, fixture->link->store, enterprise, 16, &keys,
                                         &total, world.request),
                WHK_UNKNOWN_KEY);
    }
}

static void poll_now(void)
{
    good(whk_keyring_poll(world.keyring, world.fixture->link->store, world.fixture->pool));
}

static void pass(int seconds)
{
    stepped_wall += apr_time_from_sec(seconds);
    stepped_monotonic += apr_time_from_sec(seconds);
    poll_now();
}

/* The keyIds that are tried, of at most `most`, with spaces between. */
static const char *tried(int most, int *total)
{
    const char *names = "";
    apr_array_header_t *keys;
    int i;

    good(whk_keyring_find_ed25519(world.keyring, world.fixture->link->store, "acme", most, &keys,
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
    whk_keyring_note_use(world.keyring, key, apr_time_from_sec(1800000000 + seconds));
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
        good(whk_keyring_find_ed25519(world.keyring, fixture->link->store, enterprise, 16, &keys,
                                      &total, world.request));
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
    stepped_monotonic += apr_time_from_sec(58);
    whk_keyring_note_use(world.keyring, key, now + apr_time_from_sec(58));
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now));
    stepped_monotonic += apr_time_from_sec(2);
    whk_keyring_note_use(world.keyring, key, now + apr_time_from_sec(60));
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now) + 60000);
    /* What a wrong clock wrote does not stay until its time has come. */
    stepped_monotonic += apr_time_from_sec(60);
    whk_keyring_note_use(world.keyring, key, now - apr_time_from_sec(3600));
    good(whk_keyring_write_uses(world.keyring, store, fixture->pool));
    assert_true(used_at(fixture) == apr_time_as_msec(now) - 3600000);
}

static void the_wall_clock_steps_back(void **state)
{
    fixture_t *fixture = *state;

    make_keyring(apr_time_from_sec(1), apr_time_from_sec(5));
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

        outcome = whk_keyring_find(world.keyring, link->store, "acme", nth(request, count), &key,
                                   request);
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
        whk_keyring_changed(&world.slots, "acme");
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
    good(whk_keyring_find(world.keyring, link->store, "acme", "one", &key, pool));
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
    whk_keyring_changed(&world.slots, "acme");
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_at_once, (void *)fixture->file), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(asked_beside, 1);
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
    assert_int_equal(world.went_back, 0);
    /* As it was before the revokes. */
    run_sql(fixture->link, "DROP TRIGGER whk_key_stays_revoked");
    run_sql(fixture->link, "UPDATE whk_key SET status = 'ACTIVE', revoked_at = NULL, revoked_by = "
                           "NULL");
    reseal_key(fixture, "acme", "one");
    reseal_key(fixture, "acme", "two");
    run_sql(fixture->link, "UPDATE whk_enterprise SET revision = 2, change_number = 2");
    poll_now();
    assert_int_equal(world.went_back, 1);
    good(find("acme", "one"));
    /* What happens now is seen, though its revision was seen before. */
    change_by(revoke_work, "acme", "one", 0);
    poll_now();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    good(find("acme", "two"));
    assert_int_equal(world.went_back, 1);
}

/* The number of the last change is somebody else's, or its enterprise is further, but not by us. */
static void another_registry(void **state)
{
    static const char *const changes[] = {
        "UPDATE whk_enterprise SET revision = 9 WHERE enterprise_id = 'acme'",
        "UPDATE whk_enterprise SET change_number = CASE enterprise_id WHEN 'acme' THEN 1 ELSE 2 "
        "END",
        "UPDATE whk_enterprise SET change_number = 7 WHERE enterprise_id = 'acme'",
        "UPDATE whk_enterprise SET change_number = 7, revision = 9 WHERE enterprise_id = 'acme'",
    };
    fixture_t *fixture = *state;
    int i;

    add_enterprise(fixture, "globex");
    change_by(register_work, "globex", "one", 0);
    change_by(register_work, "acme", "one", 0);
    poll_now();
    for (i = 0; i < 3; i++) {
        run_sql(fixture->link, changes[i]);
        world.slots.told = 0;
        poll_now();
        assert_int_equal(world.went_back, i + 1);
    }
    /* A newer revision with a newer number is how it goes. */
    run_sql(fixture->link,
            "UPDATE whk_enterprise SET change_number = 8, revision = 10 WHERE enterprise_id = "
            "'acme'");
    poll_now();
    assert_int_equal(world.went_back, 3);
    /* Told once a node. */
    run_sql(fixture->link, "UPDATE whk_enterprise SET change_number = 1");
    world.slots.told = 0;
    poll_now();
    run_sql(fixture->link, "UPDATE whk_enterprise SET change_number = 0, revision = 0");
    poll_now();
    assert_int_equal(world.went_back, 4);
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

    make_keyring(LAG, apr_time_from_sec(60));
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

    make_keyring(LAG, apr_time_from_sec(60));
    register_by_uri(apr_time_from_sec(100));
    good(whk_keyring_find_ed25519(world.keyring, fixture->link->store, "acme", 16, &keys, &total,
                                  world.request));
    pass(165);
    refused(whk_keyring_find_ed25519(world.keyring, fixture->link->store, "acme", 16, &keys, &total,
                                     world.request),
            WHK_UNKNOWN_KEY);
    set_by_uri(apr_time_from_sec(100));
    pass(1);
    good(whk_keyring_find_ed25519(world.keyring, fixture->link->store, "acme", 16, &keys, &total,
                                  world.request));
}

static void a_set_ends_whatever_clocks_say(void **state)
{
    (void)state;
    make_keyring(LAG, apr_time_from_sec(60));
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
        KEYRING_TEST(ed25519_keys),
        KEYRING_TEST(ed25519_keys_of_a_fresh_process),
        KEYRING_TEST(a_row_that_was_changed),
        KEYRING_TEST(more_than_are_kept),
        KEYRING_TEST(uses),
        KEYRING_TEST(the_wall_clock_steps_back),
        KEYRING_TEST(a_slot_that_changes_all_the_time),
        KEYRING_TEST(no_herd),
        KEYRING_TEST(an_older_registry),
        KEYRING_TEST(another_registry),
        KEYRING_TEST(a_set_ends),
        KEYRING_TEST(a_set_ends_in_a_listing),
        KEYRING_TEST(a_set_ends_whatever_clocks_say),
        KEYRING_TEST(a_key_without_its_set),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
