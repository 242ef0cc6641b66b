/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/held_key.h"

#include "model/clock.h"
#include "model/log_number.h"
#include "registry/seal.h"

static apr_status_t release(void *data)
{
    whk_held_key_t *held = data;

    if (held->parsed)
        whk_parsed_key_release(held->parsed);
    whk_enterprise_keys_release(held->keys, held->cache->parsed);
    return APR_SUCCESS;
}

/* Takes over a reference to the keys. */
static whk_held_key_t *hold(whk_key_cache_t *cache, whk_enterprise_keys_t *keys,
                            whk_enterprise_key_t *key, apr_pool_t *pool)
{
    whk_held_key_t *held = apr_pcalloc(pool, sizeof(*held));

    held->cache = cache;
    held->keys = keys;
    held->key = key;
    apr_pool_cleanup_register(pool, held, release, apr_pool_cleanup_null);
    return held;
}

static const whk_outcome_t *parse(whk_held_key_t *held, apr_pool_t *pool)
{
    whk_parsed_keys_t *parsed = held->cache->parsed;

    held->parsed = whk_parsed_keys_get(parsed, &held->key->parsed);
    if (!held->parsed)
        held->parsed = whk_parsed_keys_parse(parsed, &held->key->parsed, held->key->jwk, pool);
    if (!held->parsed)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0211) "key %s of enterprise %s can't be read: its row was "
                                        "changed, or OpenSSL lacks its algorithm",
                        held->key->key_id, held->keys->enterprise_id);
    held->key_id = held->key->key_id;
    held->jwk = whk_parsed_key_jwk(held->parsed);
    return NULL;
}

static const whk_outcome_t *unknown(whk_freshness_t freshness, apr_pool_t *pool)
{
    /* It may have been registered meanwhile. */
    if (freshness != WHK_FRESH)
        return whk_change_poll_unavailable(pool);
    return whk_refuse(pool, WHK_UNKNOWN_KEY,
                      "the signature names no key that is registered for this enterprise: register "
                      "the key, and name it by its keyId");
}

/* The set that an enterprise follows may have the key by now: somebody is to look, but not this
 * request. True where that was asked for, now or a moment ago. */
static int want_set(whk_key_cache_t *cache, whk_enterprise_keys_t *keys)
{
    apr_time_t now = whk_clock_now();
    apr_time_t asked;

    if (!keys || !keys->follows)
        return 0;
    asked = __atomic_load_n(&keys->asked, __ATOMIC_RELAXED);
    if ((!asked || now - asked >= WHK_WANTED_EVERY) &&
        __atomic_compare_exchange_n(&keys->asked, &asked, now, 0, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        whk_wanted_sets_add(cache->wanted, keys->enterprise_id);
    return 1;
}

static const whk_outcome_t *unknown_in(whk_key_cache_t *cache, whk_enterprise_keys_t *keys,
                                       whk_freshness_t freshness, apr_pool_t *pool)
{
    if (freshness != WHK_FRESH || !want_set(cache, keys))
        return unknown(freshness, pool);
    return whk_refuse(
        pool, WHK_UNKNOWN_KEY,
        "the signature names no key that is known of this enterprise, nor had the key "
        "set that it follows when that was read last: where it was published since, "
        "send again in a minute");
}

static const whk_outcome_t *flawed(int flaw, apr_pool_t *pool)
{
    return whk_refuse(pool, (whk_code_t)flaw, "%s", whk_code_message((whk_code_t)flaw));
}

const whk_outcome_t *whk_held_key_find(whk_key_cache_t *cache, whk_store_t *store,
                                       const char *enterprise_id, const char *key_id,
                                       whk_held_key_t **key, apr_pool_t *pool)
{
    whk_key_query_t query = {enterprise_id, key_id, 0};
    whk_freshness_t freshness = WHK_FRESH;
    whk_enterprise_keys_t *keys = NULL;
    whk_held_key_t *held = NULL;
    apr_time_t now;
    int flaw;

    /* What is not known may have been registered since: then somebody's poll is waited for. */
    for (; query.must_be_fresh < 2; query.must_be_fresh++) {
        WHK_TRY(whk_key_cache_get(cache, store, &query, &keys, &freshness, pool));
        held = keys ? hold(cache, keys, whk_enterprise_keys_find(keys, key_id), pool) : NULL;
        if (freshness == WHK_FRESH || (held && held->key))
            break;
    }
    if (!held || !held->key)
        return unknown_in(cache, keys, freshness, pool);
    if (held->key->flaw == WHK_INTERNAL_ERROR)
        return whk_key_is_bad(pool, enterprise_id, key_id, "it is not as this module wrote it");
    now = whk_clock_now();
    if (whk_enterprise_key_is_revoked(held->key, now))
        return flawed(WHK_KEY_REVOKED, pool);
    flaw = whk_enterprise_key_flaw(held->key, now);
    if (flaw == WHK_UNKNOWN_KEY)
        want_set(cache, keys);
    if (flaw)
        return flawed(flaw, pool);
    WHK_TRY(parse(held, pool));
    *key = held;
    return NULL;
}

/* ---- several ---- */

/* A key and its use as it was when they were put in order: uses go on meanwhile. */
typedef struct {
    whk_enterprise_key_t *key;
    apr_time_t used;
} choice_t;

/* Is `a` to be tried before `b`? Of keys that were used equally long ago, the newer. */
static int is_before(const choice_t *a, const choice_t *b)
{
    return a->used != b->used ? a->used > b->used : a->key->order > b->key->order;
}

static int insert(choice_t *choices, int count, int most, choice_t choice)
{
    int at;

    if (count == most && !is_before(&choice, &choices[most - 1]))
        return count;
    if (count < most)
        count++;
    for (at = count - 1; at > 0 && is_before(&choice, &choices[at - 1]); at--)
        choices[at] = choices[at - 1];
    choices[at] = choice;
    return count;
}

/* At most `most` of them, in order. @return how many; `total` is set to how many there are */
static int choose_ed25519(whk_enterprise_keys_t *keys, choice_t *choices, int most, int *total)
{
    apr_time_t now = whk_clock_now();
    int count = 0;
    int i;

    *total = 0;
    for (i = 0; i < keys->count; i++) {
        whk_enterprise_key_t *key = &keys->keys[i];
        choice_t choice = {key, __atomic_load_n(&key->last_used, __ATOMIC_RELAXED)};

        if (!key->is_ed25519 || whk_enterprise_key_is_revoked(key, now) ||
            whk_enterprise_key_flaw(key, now))
            continue;
        ++*total;
        count = insert(choices, count, most, choice);
    }
    return count;
}

const whk_outcome_t *whk_held_key_find_ed25519(whk_key_cache_t *cache, whk_store_t *store,
                                               const char *enterprise_id, int most,
                                               apr_array_header_t **keys, int *total,
                                               apr_pool_t *pool)
{
    choice_t *choices = apr_palloc(pool, (apr_size_t)most * sizeof(*choices));
    const whk_key_query_t query = {enterprise_id, NULL, 1};
    whk_freshness_t freshness;
    whk_enterprise_keys_t *found;
    int count;
    int i;

    *keys = apr_array_make(pool, most, sizeof(whk_held_key_t *));
    WHK_TRY(whk_key_cache_get(cache, store, &query, &found, &freshness, pool));
    if (!found)
        return unknown(freshness, pool);
    hold(cache, found, NULL, pool);
    count = choose_ed25519(found, choices, most, total);
    if (!count)
        return unknown(freshness, pool);
    for (i = 0; i < count; i++) {
        whk_held_key_t *held;

        whk_enterprise_keys_retain(found);
        held = hold(cache, found, choices[i].key, pool);
        WHK_TRY(parse(held, pool));
        APR_ARRAY_PUSH(*keys, whk_held_key_t *) = held;
    }
    return NULL;
}

/* ---- uses ---- */

void whk_held_key_note_use(const whk_held_key_t *held, apr_time_t when)
{
    apr_time_t now = whk_clock_now();
    apr_time_t used = __atomic_load_n(&held->key->used, __ATOMIC_RELAXED);

    if ((used && now - used < WHK_KEY_USE_STEP) ||
        !__atomic_compare_exchange_n(&held->key->used, &used, now, 0, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&held->key->last_used, when, __ATOMIC_RELAXED);
    whk_key_uses_add(held->cache->uses, held->keys->enterprise_id, held->key_id, when);
}
