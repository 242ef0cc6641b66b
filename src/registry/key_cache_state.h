/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_KEY_CACHE_STATE_H
#define WHK_REGISTRY_KEY_CACHE_STATE_H

/**
 * @file registry/key_cache_state.h
 * Inside of the key cache: what key_cache.c and change_poll.c share. All times are
 * whk_clock_now()'s.
 */

#include <apr_hash.h>
#include <apr_thread_mutex.h>

#include "registry/enterprise_keys.h"
#include "registry/key_cache.h"

/** What is known of an enterprise. It stays as long as the registry does not go back. */
typedef struct whk_known_t {
    const char *id;
    apr_int64_t revision;
    apr_int64_t listed;          /**< its revision as a poll found it last */
    whk_enterprise_keys_t *ring; /**< NULL: not read yet */
} whk_known_t;

typedef struct whk_use_t {
    struct whk_use_t *next;
    const char *enterprise_id;
    const char *key_id;
    apr_time_t when;
} whk_use_t;

/** The change that a poll saw last, which is there as it was for as long as nothing newer is. */
typedef struct whk_last_change_t {
    apr_int64_t number; /**< -1: none was seen */
    const char *enterprise_id;
    apr_int64_t revision;
} whk_last_change_t;

struct whk_key_cache_t {
    whk_key_cache_settings_t settings;
    apr_pool_t *pool;              /**< under `mutex` */
    apr_thread_mutex_t *mutex;     /**< around what follows; never held while the store is asked */
    apr_thread_mutex_t *polling;   /**< around a poll */
    apr_thread_mutex_t *rereading; /**< around reading again what seems to have ended */
    apr_pool_t *directory;         /**< of `enterprises` */
    apr_hash_t *enterprises;       /**< whk_known_t by id */
    apr_uint32_t generation;       /**< grows where all that was known is dropped */
    whk_last_change_t last_change;
    apr_time_t polled_at; /**< when the last poll that succeeded began; 0: none did */
    apr_time_t retry_at;  /**< requests poll no earlier */
    apr_uint32_t seen[WHK_CHANGE_SLOTS];
    whk_parsed_list_t parsed;
    apr_pool_t *uses_pool;
    whk_use_t *uses;
    int use_count;
};

/** Under `mutex`: what is known of an enterprise, made where there is nothing yet. */
whk_known_t *whk_key_cache_know(whk_key_cache_t *cache, const char *enterprise_id);

/** A request as the key cache sees it come: what changed until then is what it must know. */
typedef struct whk_arrival_t {
    unsigned int slot;
    apr_uint32_t change;
    apr_time_t at;
} whk_arrival_t;

typedef enum {
    WHK_FRESH,     /**< read within the lag, or since the request came */
    WHK_STALE,     /**< no poll succeeded for longer, but for less than max_stale */
    WHK_CHANGED,   /**< something of this slot changed on this node */
    WHK_UNKNOWABLE /**< not within max_stale */
} whk_freshness_t;

whk_arrival_t whk_key_cache_arrive(const whk_key_cache_t *cache, const char *enterprise_id);

/** Under `mutex`: what is known, for this request. */
whk_freshness_t whk_key_cache_judge(const whk_key_cache_t *cache, const whk_arrival_t *arrival);

/**
 * Poll where what is known is not fresh, one thread at a time. Who waited for a poll that began
 * after it came takes its result.
 * @param insist stale is not good enough: wait for whoever polls
 * @param found  set to how fresh it is now
 * @return NULL where that is WHK_FRESH or WHK_STALE; else a 5xx
 */
const whk_outcome_t *whk_key_cache_refresh(whk_key_cache_t *cache, whk_store_t *store,
                                           const whk_arrival_t *arrival, int insist,
                                           whk_freshness_t *found, apr_pool_t *pool);

/** What is known is too old, and the store can't be asked. */
const whk_outcome_t *whk_key_cache_away(apr_pool_t *pool);

#endif
