/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_cache.h"

#include "model/clock.h"
#include "model/log_number.h"

/* What seems to have ended is read again no sooner than this. */
#define REREAD_EVERY apr_time_from_sec(1)

/* How many requests of a process ask the store at a time though what is known is not too old: one
 * that hangs must not hold them all. */
#define ASKING_MOST 4

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

whk_key_cache_t *whk_key_cache_create(const whk_key_cache_settings_t *settings, apr_pool_t *parent)
{
    apr_pool_t *pool = make_pool(parent);
    whk_key_cache_t *cache = pool ? apr_pcalloc(pool, sizeof(*cache)) : NULL;
    whk_change_poll_settings_t poll = settings->poll;

    if (!cache ||
        apr_thread_mutex_create(&cache->rereading, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    cache->validity = settings->validity;
    cache->size = settings->size;
    cache->directory = (whk_enterprise_directory_t){settings->block, poll.counters, settings->lag,
                                                    settings->validity.max_stale};
    poll.directory = &cache->directory;
    cache->poll = whk_change_poll_create(&poll, pool);
    cache->uses = whk_key_uses_create(pool);
    cache->wanted = whk_wanted_sets_create(pool);
    cache->parsed = whk_parsed_keys_create(settings->size / 2, pool);
    cache->recent =
        cache->parsed ? whk_recent_keys_create(settings->size / 2, cache->parsed, pool) : NULL;
    return cache->uses && cache->wanted && cache->recent ? cache : NULL;
}

/* What was read of a registry that is no longer there serves this request alone. */
static const whk_outcome_t *read_keys(whk_key_cache_t *cache, whk_store_t *store,
                                      const char *enterprise_id, apr_uint32_t generation,
                                      whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    const whk_arrival_t began = whk_directory_arrival(&cache->directory, enterprise_id);

    WHK_TRY(whk_enterprise_keys_read(store, enterprise_id, &cache->validity, keys, pool));
    if (!*keys)
        return NULL;
    (*keys)->change = began.change;
    whk_recent_keys_put(cache->recent, *keys, generation);
    return NULL;
}

/* Of one that the directory lists. */
static const whk_outcome_t *read_listed(whk_key_cache_t *cache, whk_store_t *store,
                                        const char *enterprise_id, apr_uint32_t generation,
                                        whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    WHK_TRY(read_keys(cache, store, enterprise_id, generation, keys, pool));
    return *keys ? NULL
                 : whk_fail(pool, WHK_INTERNAL_ERROR,
                            WHK_LOGNO(0214) "enterprise %s is gone: its row must never be deleted",
                            enterprise_id);
}

static void drop(whk_key_cache_t *cache, whk_enterprise_keys_t **keys)
{
    if (*keys)
        whk_enterprise_keys_release(*keys, cache->parsed);
    *keys = NULL;
}

/* `keys` is set, with one reference more, where those that are kept are as new as was found. */
static void look(whk_key_cache_t *cache, const char *enterprise_id,
                 const whk_directory_lookup_t *found, whk_enterprise_keys_t **keys)
{
    *keys = whk_recent_keys_get(cache->recent, enterprise_id, found->generation);
    if (*keys && (*keys)->revision < found->revision)
        drop(cache, keys);
}

/* ---- as the directory tells ---- */

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
        outcome = read_listed(cache, store, query->enterprise_id, found->generation, keys, pool);
    }
    apr_thread_mutex_unlock(cache->rereading);
    return outcome;
}

static const whk_outcome_t *get_listed(whk_key_cache_t *cache, whk_store_t *store,
                                       const whk_key_query_t *query,
                                       const whk_directory_lookup_t *found,
                                       whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    if (!found->exists)
        return NULL;
    look(cache, query->enterprise_id, found, keys);
    if (!*keys)
        return read_listed(cache, store, query->enterprise_id, found->generation, keys, pool);
    return whk_enterprise_keys_ended(*keys, query->key_id, whk_clock_now())
               ? reread(cache, store, query, found, keys, pool)
               : NULL;
}

/* ---- as the store tells, where the directory is behind ---- */

/* Keys are as fresh as when they were read, or as what the directory tells of them. */
static whk_freshness_t freshness_of(const whk_key_cache_t *cache, const whk_enterprise_keys_t *keys,
                                    const whk_arrival_t *arrival,
                                    const whk_directory_lookup_t *found)
{
    whk_freshness_t freshness =
        whk_directory_freshness(&cache->directory, keys->read_at, keys->change, arrival);

    return found->exists && keys->revision >= found->revision && found->freshness < freshness
               ? found->freshness
               : freshness;
}

static const whk_outcome_t *ask_store(whk_key_cache_t *cache, whk_store_t *store,
                                      const char *enterprise_id, apr_uint32_t generation,
                                      whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    if (!whk_change_poll_may_ask(cache->poll))
        return whk_change_poll_unavailable(pool);
    outcome = read_keys(cache, store, enterprise_id, generation, keys, pool);
    whk_change_poll_asked(cache->poll, outcome);
    return outcome;
}

/* Those that are kept, and were read within a lag, and since what changed on this node. */
static whk_enterprise_keys_t *get_read_lately(whk_key_cache_t *cache, const whk_arrival_t *arrival,
                                              const whk_directory_lookup_t *found)
{
    whk_enterprise_keys_t *keys =
        whk_recent_keys_get(cache->recent, arrival->enterprise_id, found->generation);

    if (keys && freshness_of(cache, keys, arrival, found) != WHK_FRESH)
        drop(cache, &keys);
    return keys;
}

/* `known` is good but for its age. */
static void refresh(whk_key_cache_t *cache, whk_store_t *store, const whk_arrival_t *arrival,
                    const whk_directory_lookup_t *found, whk_enterprise_keys_t **keys,
                    whk_freshness_t *freshness, apr_pool_t *pool)
{
    whk_enterprise_keys_t *read = NULL;

    if (__atomic_add_fetch(&cache->asking, 1, __ATOMIC_SEQ_CST) <= ASKING_MOST &&
        !ask_store(cache, store, arrival->enterprise_id, found->generation, &read, pool)) {
        drop(cache, keys);
        *keys = read;
        *freshness = WHK_FRESH;
    }
    __atomic_sub_fetch(&cache->asking, 1, __ATOMIC_SEQ_CST);
}

/* What the store answered is relied upon for as long as what a poll tells. */
static const whk_outcome_t *get_unlisted(whk_key_cache_t *cache, whk_store_t *store,
                                         const whk_arrival_t *arrival,
                                         const whk_directory_lookup_t *found,
                                         whk_enterprise_keys_t **keys, whk_freshness_t *freshness,
                                         apr_pool_t *pool)
{
    *keys = whk_recent_keys_get(cache->recent, arrival->enterprise_id, found->generation);
    *freshness = *keys ? freshness_of(cache, *keys, arrival, found) : WHK_TOO_STALE;
    if (*freshness == WHK_STALE)
        refresh(cache, store, arrival, found, keys, freshness, pool);
    if (*freshness == WHK_FRESH || *freshness == WHK_STALE)
        return NULL;
    drop(cache, keys);
    *freshness = WHK_FRESH;
    return ask_store(cache, store, arrival->enterprise_id, found->generation, keys, pool);
}

const whk_outcome_t *whk_key_cache_get(whk_key_cache_t *cache, whk_store_t *store,
                                       const whk_key_query_t *query, whk_enterprise_keys_t **keys,
                                       whk_freshness_t *freshness, apr_pool_t *pool)
{
    const whk_arrival_t arrival = whk_directory_arrival(&cache->directory, query->enterprise_id);
    whk_directory_lookup_t found = whk_directory_look_up(&cache->directory, &arrival);

    *keys = NULL;
    *freshness = WHK_FRESH;
    if (found.freshness != WHK_FRESH) {
        *keys = get_read_lately(cache, &arrival, &found);
        if (*keys)
            return NULL;
        WHK_TRY(whk_change_poll_for_request(cache->poll, store, &arrival, query->must_be_fresh,
                                            &found, pool));
    }
    if (found.ask_store)
        return get_unlisted(cache, store, &arrival, &found, keys, freshness, pool);
    *freshness = found.freshness;
    return get_listed(cache, store, query, &found, keys, pool);
}

apr_size_t whk_key_cache_bytes(whk_key_cache_t *cache, apr_size_t *most)
{
    *most = cache->size;
    return whk_recent_keys_bytes(cache->recent) + whk_parsed_keys_bytes(cache->parsed);
}
