/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/parsed_keys.h"

#include <apr_ring.h>
#include <apr_thread_mutex.h>

struct whk_parsed_key_t {
    APR_RING_ENTRY(whk_parsed_key_t) link; /* by last use */
    apr_pool_t *pool;
    const whk_jwk_t *jwk;
    whk_parsed_key_t **place;
    int references; /* atomic; one is that of its place */
};

struct whk_parsed_keys_t {
    apr_thread_mutex_t *mutex; /* around all places, and what follows */
    APR_RING_HEAD(whk_parsed_head_t, whk_parsed_key_t) head; /* used last: first */
    int count;
};

whk_parsed_keys_t *whk_parsed_keys_create(apr_pool_t *pool)
{
    whk_parsed_keys_t *keys = apr_pcalloc(pool, sizeof(*keys));

    APR_RING_INIT(&keys->head, whk_parsed_key_t, link);
    return apr_thread_mutex_create(&keys->mutex, APR_THREAD_MUTEX_DEFAULT, pool) == APR_SUCCESS
               ? keys
               : NULL;
}

const whk_jwk_t *whk_parsed_key_jwk(const whk_parsed_key_t *key)
{
    return key->jwk;
}

static void retain(whk_parsed_key_t *key)
{
    __atomic_add_fetch(&key->references, 1, __ATOMIC_SEQ_CST);
}

void whk_parsed_key_release(whk_parsed_key_t *key)
{
    if (__atomic_sub_fetch(&key->references, 1, __ATOMIC_SEQ_CST) == 0)
        apr_pool_destroy(key->pool);
}

whk_parsed_key_t *whk_parsed_keys_get(whk_parsed_keys_t *keys, whk_parsed_key_t **place)
{
    whk_parsed_key_t *key;

    apr_thread_mutex_lock(keys->mutex);
    key = *place;
    if (key) {
        retain(key);
        APR_RING_REMOVE(key, link);
        APR_RING_INSERT_HEAD(&keys->head, key, whk_parsed_key_t, link);
    }
    apr_thread_mutex_unlock(keys->mutex);
    return key;
}

static whk_parsed_key_t *parse(const char *jwk)
{
    apr_pool_t *pool;
    whk_parsed_key_t *key;

    /* Of no other pool: which thread frees it last is not known. */
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return NULL;
    key = apr_pcalloc(pool, sizeof(*key));
    key->pool = pool;
    key->references = 1;
    key->jwk = whk_jwk_load(jwk, pool);
    if (key->jwk)
        return key;
    apr_pool_destroy(pool);
    return NULL;
}

static void drop(whk_parsed_keys_t *keys, whk_parsed_key_t *key)
{
    APR_RING_REMOVE(key, link);
    keys->count--;
    *key->place = NULL;
    whk_parsed_key_release(key);
}

whk_parsed_key_t *whk_parsed_keys_parse(whk_parsed_keys_t *keys, whk_parsed_key_t **place,
                                        const char *jwk)
{
    whk_parsed_key_t *key = parse(jwk);

    if (!key)
        return NULL;
    apr_thread_mutex_lock(keys->mutex);
    if (!*place) {
        *place = key;
        key->place = place;
        retain(key);
        APR_RING_INSERT_HEAD(&keys->head, key, whk_parsed_key_t, link);
        if (++keys->count > WHK_PARSED_MOST)
            drop(keys, APR_RING_LAST(&keys->head));
    }
    apr_thread_mutex_unlock(keys->mutex);
    return key;
}

void whk_parsed_keys_move(whk_parsed_keys_t *keys, whk_parsed_key_t **from, whk_parsed_key_t **to)
{
    apr_thread_mutex_lock(keys->mutex);
    *to = *from;
    *from = NULL;
    if (*to)
        (*to)->place = to;
    apr_thread_mutex_unlock(keys->mutex);
}

void whk_parsed_keys_drop(whk_parsed_keys_t *keys, whk_parsed_key_t **place)
{
    apr_thread_mutex_lock(keys->mutex);
    if (*place)
        drop(keys, *place);
    apr_thread_mutex_unlock(keys->mutex);
}
