/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/parsed_keys.h"

#include <apr_ring.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>

struct whk_parsed_key_t {
    APR_RING_ENTRY(whk_parsed_key_t) link; /* by last use */
    whk_jwk_t *jwk;
    whk_parsed_key_t **place;
    int references; /* atomic; one is that of its place */
};

struct whk_parsed_keys_t {
    apr_thread_mutex_t *mutex; /* around all places, and what follows */
    APR_RING_HEAD(whk_parsed_head_t, whk_parsed_key_t) head; /* used last: first */
    apr_size_t count;
    apr_size_t most;
};

whk_parsed_keys_t *whk_parsed_keys_create(apr_size_t size, apr_pool_t *pool)
{
    whk_parsed_keys_t *keys = apr_pcalloc(pool, sizeof(*keys));

    keys->most = size < WHK_PARSED_KEY_SIZE ? 1 : size / WHK_PARSED_KEY_SIZE;
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
    if (__atomic_sub_fetch(&key->references, 1, __ATOMIC_SEQ_CST) > 0)
        return;
    whk_jwk_free(key->jwk);
    free(key);
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

/* A piece of memory of its own: which thread frees it last is not known. */
static whk_parsed_key_t *make(const whk_jwk_t *jwk)
{
    whk_parsed_key_t *key = jwk ? calloc(1, sizeof(*key)) : NULL;

    if (!key)
        return NULL;
    key->references = 1;
    key->jwk = whk_jwk_copy(jwk);
    if (key->jwk)
        return key;
    free(key);
    return NULL;
}

static whk_parsed_key_t *parse(const char *jwk, apr_pool_t *pool)
{
    whk_parsed_key_t *key;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    key = make(whk_jwk_load(jwk, scratch));
    apr_pool_destroy(scratch);
    return key;
}

static void drop(whk_parsed_keys_t *keys, whk_parsed_key_t *key)
{
    APR_RING_REMOVE(key, link);
    keys->count--;
    *key->place = NULL;
    whk_parsed_key_release(key);
}

whk_parsed_key_t *whk_parsed_keys_parse(whk_parsed_keys_t *keys, whk_parsed_key_t **place,
                                        const char *jwk, apr_pool_t *pool)
{
    whk_parsed_key_t *key = parse(jwk, pool);

    if (!key)
        return NULL;
    apr_thread_mutex_lock(keys->mutex);
    if (!*place) {
        *place = key;
        key->place = place;
        retain(key);
        APR_RING_INSERT_HEAD(&keys->head, key, whk_parsed_key_t, link);
        if (++keys->count > keys->most)
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

apr_size_t whk_parsed_keys_bytes(whk_parsed_keys_t *keys)
{
    apr_size_t count;

    apr_thread_mutex_lock(keys->mutex);
    count = keys->count;
    apr_thread_mutex_unlock(keys->mutex);
    return count * WHK_PARSED_KEY_SIZE;
}
