/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_cache.h"

#include <apr_strings.h>

#include "model/clock.h"

/* What seems to have ended is read again no sooner than this. */
#define REREAD_EVERY apr_time_from_sec(1)

typedef struct {
    const char *enterprise_id;
    whk_enterprise_keys_t *keys;
} slot_t;

static void release_all(whk_key_cache_t *cache)
{
    apr_hash_index_t *index;
    void *slot;

    for (index = apr_hash_first(NULL, cache->enterprises); index; index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &slot);
        whk_enterprise_keys_release(((slot_t *)slot)->keys, cache->parsed);
    }
}

static apr_status_t release_cache(void *cache)
{
    release_all(cache);
    return APR_SUCCESS;
}

/* Threads make pools of it, each under a mutex of its own. */
static apr_pool_t *make_pool(apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_thread_mutex_t *mutex;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_ex(&pool, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    if (apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    apr_allocator_mutex_set(allocator, mutex);
    return pool;
}

static apr_status_t make_mutexes(whk_key_cache_t *cache, apr_pool_t *pool)
{
    apr_status_t status = apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    return status == APR_SUCCESS
               ? apr_thread_mutex_create(&cache->rereading, APR_THREAD_MUTEX_DEFAULT, pool)
               : status;
}

whk_key_cache_t *whk_key_cache_create(const whk_key_cache_settings_t *settings, apr_pool_t *parent)
{
    apr_pool_t *pool = make_pool(parent);
    whk_key_cache_t *cache = pool ? apr_pcalloc(pool, sizeof(*cache)) : NULL;

    if (!cache || make_mutexes(cache, pool) != APR_SUCCESS ||
        apr_pool_create(&cache->pool, pool) != APR_SUCCESS)
        return NULL;
    cache->validity = settings->validity;
    cache->enterprises = apr_hash_make(cache->pool);
    cache->parsed = whk_parsed_keys_create(pool);
    cache->uses = whk_key_uses_create(pool);
    cache->directory =
        whk_directory_create(settings->counters, settings->lag, settings->validity.max_stale, pool);
    cache->poll = whk_change_poll_create(cache->directory, settings->counters, settings->restored,
                                         settings->baton, pool);
    if (!cache->parsed || !cache->uses || !cache->directory || !cache->poll)
        return NULL;
    apr_pool_pre_cleanup_register(pool, cache, release_cache);
    return cache;
}

/* Under the mutex. What was read of a registry that is no longer there is dropped.
 * @return 0: the cache is further, and of another registry than `generation` */
static int follow(whk_key_cache_t *cache, apr_uint32_t generation)
{
    /* It wraps around. */
    if ((apr_int32_t)(generation - cache->generation) > 0) {
        release_all(cache);
        apr_pool_clear(cache->pool);
        cache->enterprises = apr_hash_make(cache->pool);
        cache->generation = generation;
    }
    return generation == cache->generation;
}

static int is_newer(const whk_enterprise_keys_t *keys, const whk_enterprise_keys_t *than)
{
    return keys->revision > than->revision ||
           (keys->revision == than->revision && keys->read_at >= than->read_at);
}

/* Under the mutex. Takes a reference of its own. */
static void put(whk_key_cache_t *cache, whk_enterprise_keys_t *keys)
{
    slot_t *slot = apr_hash_get(cache->enterprises, keys->enterprise_id, APR_HASH_KEY_STRING);

    if (!slot) {
        slot = apr_pcalloc(cache->pool, sizeof(*slot));
        slot->enterprise_id = apr_pstrdup(cache->pool, keys->enterprise_id);
        apr_hash_set(cache->enterprises, slot->enterprise_id, APR_HASH_KEY_STRING, slot);
    } else if (is_newer(slot->keys, keys)) {
        return;
    } else {
        whk_enterprise_keys_inherit(keys, slot->keys, cache->parsed);
        whk_enterprise_keys_release(slot->keys, cache->parsed);
    }
    whk_enterprise_keys_retain(keys);
    slot->keys = keys;
}

/* What was read of a registry that is no longer there serves this request alone. */
static const whk_outcome_t *read_keys(whk_key_cache_t *cache, whk_store_t *store,
                                      const char *enterprise_id, apr_uint32_t generation,
                                      whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    WHK_TRY(whk_enterprise_keys_read(store, enterprise_id, &cache->validity, keys, pool));
    apr_thread_mutex_lock(cache->mutex);
    if (follow(cache, generation))
        put(cache, *keys);
    apr_thread_mutex_unlock(cache->mutex);
    return NULL;
}

/* `keys` is set, with one reference more, where those that are cached are as new as was found. */
static void look(whk_key_cache_t *cache, const char *enterprise_id,
                 const whk_directory_lookup_t *found, whk_enterprise_keys_t **keys)
{
    const slot_t *slot = NULL;

    *keys = NULL;
    apr_thread_mutex_lock(cache->mutex);
    if (follow(cache, found->generation))
        slot = apr_hash_get(cache->enterprises, enterprise_id, APR_HASH_KEY_STRING);
    if (slot && slot->keys->revision >= found->revision) {
        whk_enterprise_keys_retain(slot->keys);
        *keys = slot->keys;
    }
    apr_thread_mutex_unlock(cache->mutex);
}

static void drop(whk_key_cache_t *cache, whk_enterprise_keys_t **keys)
{
    if (*keys)
        whk_enterprise_keys_release(*keys, cache->parsed);
    *keys = NULL;
}

/* A set that was fetched again is no change of its enterprise. Whoever finds that something ended
 * looks for that, one at a time and once a second; the others take what was found. */
static const whk_outcome_t *reread(whk_key_cache_t *cache, whk_store_t *store,
                                   const whk_key_query_t *query,
                                   const whk_directory_lookup_t *found,
                                   whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = NULL;
    apr_time_t now;

    apr_thread_mutex_lock(cache->rereading);
    drop(cache, keys);
    look(cache, query->enterprise_id, found, keys);
    now = whk_clock_now();
    if (!*keys || (whk_enterprise_keys_ended(*keys, query->key_id, now) &&
                   now - (*keys)->read_at >= REREAD_EVERY)) {
        drop(cache, keys);
        outcome = read_keys(cache, store, query->enterprise_id, found->generation, keys, pool);
    }
    apr_thread_mutex_unlock(cache->rereading);
    return outcome;
}

const whk_outcome_t *whk_key_cache_get(whk_key_cache_t *cache, whk_store_t *store,
                                       const whk_key_query_t *query, whk_enterprise_keys_t **keys,
                                       whk_freshness_t *freshness, apr_pool_t *pool)
{
    const whk_arrival_t arrival = whk_directory_arrival(cache->directory, query->enterprise_id);
    whk_directory_lookup_t found = whk_directory_look_up(cache->directory, &arrival);

    *keys = NULL;
    if (found.freshness != WHK_FRESH)
        WHK_TRY(whk_change_poll_for_request(cache->poll, store, &arrival, query->must_be_fresh,
                                            &found, pool));
    *freshness = found.freshness;
    if (!found.exists)
        return NULL;
    look(cache, query->enterprise_id, &found, keys);
    if (!*keys)
        return read_keys(cache, store, query->enterprise_id, found.generation, keys, pool);
    return whk_enterprise_keys_ended(*keys, query->key_id, arrival.at)
               ? reread(cache, store, query, &found, keys, pool)
               : NULL;
}
