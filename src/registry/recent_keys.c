/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/recent_keys.h"

#include <apr_hash.h>
#include <apr_thread_mutex.h>

#include "metrics/metrics.h"

APR_RING_HEAD(head_t, whk_enterprise_keys_t);

struct whk_recent_keys_t {
    whk_parsed_keys_t *parsed;
    apr_size_t most;
    apr_thread_mutex_t *mutex; /* around what follows */
    apr_hash_t *by_enterprise;
    struct head_t head; /* asked for last: first */
    apr_size_t bytes;
    apr_uint32_t generation;
};

/* Under the mutex, as what follows. */
static void drop(whk_recent_keys_t *recent, whk_enterprise_keys_t *keys)
{
    apr_hash_set(recent->by_enterprise, keys->enterprise_id, APR_HASH_KEY_STRING, NULL);
    APR_RING_REMOVE(keys, link);
    recent->bytes -= keys->size;
    whk_enterprise_keys_release(keys, recent->parsed);
}

static void drop_all(whk_recent_keys_t *recent)
{
    while (!APR_RING_EMPTY(&recent->head, whk_enterprise_keys_t, link))
        drop(recent, APR_RING_FIRST(&recent->head));
}

static apr_status_t release_all(void *recent)
{
    drop_all(recent);
    return APR_SUCCESS;
}

whk_recent_keys_t *whk_recent_keys_create(apr_size_t size, whk_parsed_keys_t *parsed,
                                          apr_pool_t *pool)
{
    whk_recent_keys_t *recent = apr_pcalloc(pool, sizeof(*recent));

    recent->parsed = parsed;
    recent->most = size;
    recent->by_enterprise = apr_hash_make(pool);
    APR_RING_INIT(&recent->head, whk_enterprise_keys_t, link);
    if (apr_thread_mutex_create(&recent->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    apr_pool_pre_cleanup_register(pool, recent, release_all);
    return recent;
}

/* @return 0: what is kept is of a newer generation */
static int follow(whk_recent_keys_t *recent, apr_uint32_t generation)
{
    /* It wraps around. */
    if ((apr_int32_t)(generation - recent->generation) > 0) {
        drop_all(recent);
        recent->generation = generation;
    }
    return generation == recent->generation;
}

static whk_enterprise_keys_t *find(whk_recent_keys_t *recent, const char *enterprise_id)
{
    return apr_hash_get(recent->by_enterprise, enterprise_id, APR_HASH_KEY_STRING);
}

whk_enterprise_keys_t *whk_recent_keys_get(whk_recent_keys_t *recent, const char *enterprise_id,
                                           apr_uint32_t generation)
{
    whk_enterprise_keys_t *keys;

    apr_thread_mutex_lock(recent->mutex);
    keys = follow(recent, generation) ? find(recent, enterprise_id) : NULL;
    if (keys) {
        whk_enterprise_keys_retain(keys);
        APR_RING_REMOVE(keys, link);
        APR_RING_INSERT_HEAD(&recent->head, keys, whk_enterprise_keys_t, link);
    }
    apr_thread_mutex_unlock(recent->mutex);
    whk_metrics_count(WHK_KEY_LOOKUPS, keys ? WHK_LOOKUP_HIT : WHK_LOOKUP_MISS, 0);
    return keys;
}

static int is_newer(const whk_enterprise_keys_t *keys, const whk_enterprise_keys_t *than)
{
    return keys->revision > than->revision ||
           (keys->revision == than->revision && keys->read_at >= than->read_at);
}

static void put(whk_recent_keys_t *recent, whk_enterprise_keys_t *keys)
{
    whk_enterprise_keys_t *older = find(recent, keys->enterprise_id);

    if (older && is_newer(older, keys))
        return;
    if (older) {
        whk_enterprise_keys_inherit(keys, older, recent->parsed);
        drop(recent, older);
    }
    whk_enterprise_keys_retain(keys);
    apr_hash_set(recent->by_enterprise, keys->enterprise_id, APR_HASH_KEY_STRING, keys);
    APR_RING_INSERT_HEAD(&recent->head, keys, whk_enterprise_keys_t, link);
    recent->bytes += keys->size;
    while (recent->bytes > recent->most && APR_RING_LAST(&recent->head) != keys)
        drop(recent, APR_RING_LAST(&recent->head));
}

void whk_recent_keys_put(whk_recent_keys_t *recent, whk_enterprise_keys_t *keys,
                         apr_uint32_t generation)
{
    apr_thread_mutex_lock(recent->mutex);
    if (follow(recent, generation))
        put(recent, keys);
    apr_thread_mutex_unlock(recent->mutex);
}

apr_size_t whk_recent_keys_bytes(whk_recent_keys_t *recent)
{
    apr_size_t bytes;

    apr_thread_mutex_lock(recent->mutex);
    bytes = recent->bytes;
    apr_thread_mutex_unlock(recent->mutex);
    return bytes;
}
