/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The keys that verify, at hand: one cache per process and registry, used by all its threads. A
 * key that is known costs no question to the store, and neither does one that does not exist.
 *
 * It holds the keys of those enterprises that sent something last, as many as its size lets it, at
 * the revision that the node's directory (registry/enterprise_directory.h) tells. A change on this
 * node is counted (whk_count_change()), and the next request for such an enterprise polls, or waits
 * for whoever polls, before it looks. Where many changes are being read, as when a node of a large
 * registry starts, a request asks the store for its own enterprise alone. Where the store can't be
 * reached, what is known serves until `max_stale` after it was last asked; then, and for whatever
 * is not known, the answer is store_unavailable.
 *
 * Intervals are measured by a clock that nobody sets.
 *
 * A key whose set by URI could not be fetched for `max_stale` after it was good verifies nothing,
 * whether somebody wrote that down or not: keys that seem to have ended are read again first, at
 * most once a second, since a refresh that changes no key is no change of the enterprise.
 *
 * A request takes a key by registry/held_key.h. */

#include <apr_thread_mutex.h>

#include "registry/change_poll.h"
#include "registry/key_uses.h"
#include "registry/recent_keys.h"
#include "registry/wanted_sets.h"

typedef struct whk_key_cache_settings_t {
    whk_key_validity_t validity;
    apr_size_t size; /**< bytes: half for the keys of enterprises, half for parsed ones */
    whk_directory_block_t *block;    /**< borrowed */
    apr_interval_time_t lag;         /**< WebhookKeysRevocationLag */
    whk_change_poll_settings_t poll; /**< but for the directory, which is the cache's */
} whk_key_cache_settings_t;

typedef struct whk_key_cache_t {
    whk_enterprise_directory_t directory;
    whk_change_poll_t *poll; /**< a background task calls whk_change_poll_if_due() */
    whk_parsed_keys_t *parsed;
    whk_key_uses_t *uses;      /**< a background task calls whk_key_uses_write() */
    whk_wanted_sets_t *wanted; /**< a background task calls whk_wanted_sets_ask() */
    /* private */
    whk_recent_keys_t *recent;
    whk_key_validity_t validity;
    apr_size_t size;
    apr_thread_mutex_t *rereading; /**< around reading again what seems to have ended */
    int asking; /**< atomic: requests that ask the store though what is known would do */
} whk_key_cache_t;

/** Empty, before the threads start; ends with `pool`, after them. NULL: out of memory. */
whk_key_cache_t *whk_key_cache_create(const whk_key_cache_settings_t *settings, apr_pool_t *pool);

/** What a request asks for. */
typedef struct whk_key_query_t {
    const char *enterprise_id;
    const char *key_id; /**< NULL: any */
    int must_be_fresh;  /**< stale is not good enough */
} whk_key_query_t;

/** The keys of an enterprise.
 * @param keys      set to them, with one reference more; NULL where there is no such enterprise
 * @param freshness how fresh it is to know that */
const whk_outcome_t *whk_key_cache_get(whk_key_cache_t *cache, whk_store_t *store,
                                       const whk_key_query_t *query, whk_enterprise_keys_t **keys,
                                       whk_freshness_t *freshness, apr_pool_t *pool);

/** How many bytes it takes now, and may take. */
apr_size_t whk_key_cache_bytes(whk_key_cache_t *cache, apr_size_t *most);
