/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_KEY_CACHE_H
#define WHK_REGISTRY_KEY_CACHE_H

/**
 * @file registry/key_cache.h
 * The keys that verify, at hand: one cache per process and registry, used by all its threads. A
 * key that is known costs no question to the store, and neither does one that does not exist.
 *
 * It holds which enterprises there are, with the revision of their keys, and the keys of those that
 * sent something. whk_key_cache_poll() reads what changed since the last time: a background task
 * calls it several times per `lag`, which is how a change on another node arrives. A change on this
 * node bumps a counter in shared memory (whk_key_cache_changed()), and the next request of each
 * process polls before it looks. Where the store can't be reached, what is known serves until
 * `max_stale` after the last poll; then, and for whatever is not known, the answer is
 * store_unavailable.
 *
 * Intervals are measured by a clock that nobody sets. A poll asks for the change that it saw last,
 * too: where that is no longer there as it was, the registry is another (an older one that was
 * restored), and all that was known is dropped and read anew.
 *
 * A key whose set by URI could not be fetched for `max_stale` after it was good verifies nothing,
 * whether somebody wrote that down or not: an entry that seems to have ended is read again first,
 * at most once a second, since a refresh that changes no key is no change of the enterprise.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "jose/jwk.h"
#include "registry/registry.h"

/** Counters of changes, by enterprise id; many share one. */
#define WHK_CHANGE_SLOTS 1024

/** In memory that all processes of a node share, zero at first. */
typedef struct whk_change_slots_t {
    apr_uint32_t changes[WHK_CHANGE_SLOTS];
    apr_uint32_t told; /**< when a process told that the registry went back */
    /** By sealed OTP secret; many share one. Above: the hour, since the machine started; below: how
     *  many codes were refused in it. */
    apr_uint64_t refused[WHK_CHANGE_SLOTS];
} whk_change_slots_t;

typedef struct whk_key_cache_settings_t {
    apr_interval_time_t lag;              /**< WebhookKeysRevocationLag */
    apr_interval_time_t max_stale;        /**< WebhookKeysMaxStale */
    whk_change_slots_t *slots;            /**< borrowed */
    apr_interval_time_t jwks_uri_refresh; /**< WebhookKeysJwksUriRefresh */
    const whk_secret_key_t *secret;       /**< judges the seals of rows; borrowed */
    /** The registry is not what it was: for the log, once a node. May be NULL. Called by whoever
     *  finds it, with no lock of the key cache held but that of the poll. */
    void (*went_back)(void *baton);
    void *baton;
} whk_key_cache_settings_t;

typedef struct whk_key_cache_t whk_key_cache_t;

/** Empty, before the threads start; ends with `pool`, after them. NULL: out of memory. */
whk_key_cache_t *whk_key_cache_create(const whk_key_cache_settings_t *settings, apr_pool_t *pool);

/** The keys of this enterprise changed: every process of the node is to look again. `slots` may be
 *  NULL. */
void whk_key_cache_changed(whk_change_slots_t *slots, const char *enterprise_id);

/** Read from the store what changed. `pool` is for the while. */
const whk_outcome_t *whk_key_cache_poll(whk_key_cache_t *cache, whk_store_t *store,
                                        apr_pool_t *pool);

/** A key that is held: valid until it is released, whatever happens to it meanwhile. */
typedef struct whk_held_key_t {
    const char *key_id;
    const whk_jwk_t *jwk;
    void *owner; /**< private */
} whk_held_key_t;

/**
 * Hold the ACTIVE key of an enterprise by its keyId.
 * @param pool for the while of a request; what is held is released with it
 * @return unknown_key, key_revoked, jwks_uri_unreachable, jwks_uri_key_changed, or a 5xx
 */
const whk_outcome_t *whk_key_cache_find(whk_key_cache_t *cache, whk_store_t *store,
                                        const char *enterprise_id, const char *key_id,
                                        whk_held_key_t **key, apr_pool_t *pool);

/**
 * Hold ACTIVE Ed25519 keys of an enterprise: those that verified something last, as far as this
 * process knows, come first, and of others the newest.
 * @param most  how many are held at most
 * @param keys  set to an array of `whk_held_key_t *`
 * @param total set to how many there are
 * @return unknown_key where there is none, or a 5xx
 */
const whk_outcome_t *whk_key_cache_find_ed25519(whk_key_cache_t *cache, whk_store_t *store,
                                                const char *enterprise_id, int most,
                                                apr_array_header_t **keys, int *total,
                                                apr_pool_t *pool);

/** The key verified something at `when`: for its lastUsedDate, which whk_key_cache_write_uses()
 *  writes. Touches no store, and notes one use a minute. */
void whk_key_cache_note_use(whk_key_cache_t *cache, const whk_held_key_t *key, apr_time_t when);

/** Write lastUsedDate of the keys that were used, at most once a minute and key, in one
 *  transaction. What can't be written is kept for the next time. */
const whk_outcome_t *whk_key_cache_write_uses(whk_key_cache_t *cache, whk_store_t *store,
                                              apr_pool_t *pool);

#endif
