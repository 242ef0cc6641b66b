/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A key of the cache while a request verifies with it: valid until the request's pool goes,
 * whatever happens to it meanwhile. */

#include "registry/key_cache.h"

typedef struct whk_held_key_t {
    const char *key_id;
    const whk_jwk_t *jwk;
    /* private */
    whk_key_cache_t *cache;
    whk_enterprise_keys_t *keys;
    whk_enterprise_key_t *key;
    whk_parsed_key_t *parsed;
} whk_held_key_t;

/** Hold the ACTIVE key of an enterprise by its keyId.
 * @param pool for the while of a request; what is held is released with it
 * @return unknown_key, key_revoked, jwks_uri_unreachable, jwks_uri_key_changed, or a 5xx */
const whk_outcome_t *whk_held_key_find(whk_key_cache_t *cache, whk_store_t *store,
                                       const char *enterprise_id, const char *key_id,
                                       whk_held_key_t **key, apr_pool_t *pool);

/** Hold ACTIVE Ed25519 keys of an enterprise: those that verified something last, as far as this
 * process knows, come first, and of others the newest.
 * @param most  how many are held at most
 * @param keys  set to an array of `whk_held_key_t *`
 * @param total set to how many there are
 * @return unknown_key where there is none, or a 5xx */
const whk_outcome_t *whk_held_key_find_ed25519(whk_key_cache_t *cache, whk_store_t *store,
                                               const char *enterprise_id, int most,
                                               apr_array_header_t **keys, int *total,
                                               apr_pool_t *pool);

/** The key verified something at `when`: for its lastUsedDate. Touches no store, and notes one use
 * a minute. */
void whk_held_key_note_use(const whk_held_key_t *key, apr_time_t when);
