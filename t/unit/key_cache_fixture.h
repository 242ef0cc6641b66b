/* SPDX-License-Identifier: Apache-2.0 */
/* A key cache over a real store, whose connections count what is asked. */

#pragma once

#include "store_fixture.h"

#include <pthread.h>

#include "jose/base64url.h"
#include "jose/json.h"
#include "jose/jwk.h"
#include "registry/enterprise_keys.h"
#include "registry/held_key.h"
#include "registry/key_cache.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/transaction.h"

#define LAG apr_time_from_sec(60)
#define REFRESH apr_time_from_sec(300)

/* t/lib/stepped_clock.c */
extern _Atomic long long stepped_wall;
extern _Atomic long long stepped_monotonic;

#define ENTERPRISES_MOST 100000
#define CACHE_SIZE (24 << 20)

typedef struct {
    fixture_t *fixture;
    whk_shared_counters_t counters;
    whk_directory_block_t *block;
    apr_global_mutex_t *mutex;
    whk_key_cache_t *cache;
    apr_pool_t *request; /* made after the cache, and so gone before it */
    int restored;        /* how often it was reported */
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
    unsigned char bytes[32] = {(unsigned char)which, (unsigned char)((unsigned int)which >> 8)};
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
    WHK_TRY(add_key(store, pool, &key, &inserted));
    assert_int_equal(inserted, 1);
    return bump(store, change->enterprise, pool);
}

static inline const whk_outcome_t *revoke_work(whk_store_t *store, void *baton, apr_pool_t *pool)
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

static inline void change_by(whk_transaction_fn work, const char *enterprise, const char *key_id,
                             int which)
{
    change_t change = {enterprise, key_id, which};

    good(whk_store_transaction(world.fixture->link->store, world.fixture->pool, work, &change));
}

static inline void change_here(whk_transaction_fn work, const char *enterprise, const char *key_id,
                               int which)
{
    change_by(work, enterprise, key_id, which);
    whk_count_change(&world.counters, enterprise);
}

static const whk_outcome_t *find_in(apr_pool_t *pool, const char *enterprise, const char *key_id,
                                    whk_held_key_t **key)
{
    return whk_held_key_find(world.cache, world.fixture->link->store, enterprise, key_id, key,
                             pool);
}

static const whk_outcome_t *find(const char *enterprise, const char *key_id)
{
    whk_held_key_t *key;

    return find_in(world.request, enterprise, key_id, &key);
}

static inline void refused(const whk_outcome_t *outcome, whk_code_t code)
{
    assert_non_null(outcome);
    assert_string_equal(whk_code_name(outcome->code), whk_code_name(code));
}

static inline int asked(void)
{
    return world.fixture->link->acquired;
}

static inline void note_restored(void *baton)
{
    ((world_t *)baton)->restored++;
}

static inline void make_directory(apr_uint32_t most)
{
    apr_pool_t *pool = world.fixture->pool;

    world.block = whk_directory_init(apr_pcalloc(pool, whk_directory_size(most)), most);
    assert_non_null(world.block);
    assert_int_equal(apr_global_mutex_create(&world.mutex, NULL, APR_LOCK_DEFAULT, pool),
                     APR_SUCCESS);
}

/* One process of the node. */
static inline whk_key_cache_t *make_process(apr_interval_time_t lag, apr_interval_time_t max_stale,
                                            apr_size_t size)
{
    whk_key_cache_settings_t settings = {.validity = {world.fixture->secret, max_stale, REFRESH},
                                         .size = size,
                                         .block = world.block,
                                         .lag = lag,
                                         .poll = {.counters = &world.counters,
                                                  .mutex = world.mutex,
                                                  .restored = note_restored,
                                                  .baton = &world}};
    whk_key_cache_t *cache = whk_key_cache_create(&settings, world.fixture->pool);

    assert_non_null(cache);
    return cache;
}

static inline void make_sized_key_cache(apr_uint32_t enterprises, apr_size_t size)
{
    make_directory(enterprises);
    world.cache = make_process(LAG, LAG, size);
    apr_pool_create(&world.request, world.fixture->pool);
}

static inline void make_key_cache(apr_interval_time_t lag, apr_interval_time_t max_stale)
{
    make_directory(ENTERPRISES_MOST);
    world.cache = make_process(lag, max_stale, CACHE_SIZE);
    apr_pool_create(&world.request, world.fixture->pool);
}

static inline int set_up_key_cache(void **state)
{
    set_up(state);
    memset(&world, 0, sizeof(world));
    stepped_wall = stepped_monotonic = 0;
    world.fixture = *state;
    make_key_cache(LAG, LAG);
    return 0;
}

#define KEY_CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_key_cache, tear_down)

static inline void poll_now(void)
{
    good(whk_change_poll_if_due(world.cache->poll, world.fixture->link->store, 0, NULL,
                                world.fixture->pool));
}

static inline void pass(int seconds)
{
    stepped_wall += apr_time_from_sec(seconds);
    stepped_monotonic += apr_time_from_sec(seconds);
    poll_now();
}
