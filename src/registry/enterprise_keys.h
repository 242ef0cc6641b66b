/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The keys of one enterprise as they were at one revision, in one piece of memory that threads
 * share: nothing of it changes but what is atomic, and the places of parsed keys. */

#include <apr_ring.h>

#include "registry/parsed_keys.h"
#include "registry/registry.h"

/** Revoked keys whose keyIds are remembered, so that their owner is told. */
#define WHK_REVOKED_MOST 100

typedef struct whk_enterprise_key_t {
    const char *key_id;
    const char *jwk;          /**< NULL: revoked */
    whk_parsed_key_t *parsed; /**< registry/parsed_keys.h */
    apr_time_t used;      /**< atomic: when a use was last noted, by whk_clock_now(); 0: not yet */
    apr_time_t last_used; /**< atomic: the same by the wall clock, at first as it is stored */
    apr_time_t fresh_until; /**< of its set by URI, as it is stored; 0: none */
    apr_time_t end;         /**< by whk_clock_now(), from when its set is too old */
    apr_time_t revokes;     /**< when it is planned to be revoked, by the wall clock; 0: never */
    apr_time_t revokes_end; /**< atomic: the same by whk_clock_now(), as it was when it was read */
    int order;              /**< age among those of its enterprise */
    char is_ed25519;
    char flaw; /**< a whk_code_t that says why it does not verify now; 0: it does;
                    WHK_INTERNAL_ERROR: its row is not as we wrote it */
} whk_enterprise_key_t;

typedef struct whk_enterprise_keys_t {
    APR_RING_ENTRY(whk_enterprise_keys_t) link; /**< for whoever keeps them */
    const char *enterprise_id;
    apr_int64_t revision;
    apr_time_t read_at;  /**< when reading it began, by whk_clock_now() */
    apr_uint32_t change; /**< what had been counted of the enterprise's changes then, for whoever
                              keeps them */
    apr_size_t size;     /**< bytes of all this, without the parsed keys */
    int references;      /**< atomic */
    int follows;      /**< it has an ACTIVE key that stands for a set, which is not among these */
    apr_time_t asked; /**< atomic: when that set was asked for last in this process, by
                           whk_clock_now(); 0: not yet */
    int count;
    whk_enterprise_key_t keys[]; /**< by key_id */
} whk_enterprise_keys_t;

/** What decides whether a key that is stored verifies. */
typedef struct whk_key_validity_t {
    const whk_secret_key_t *secret;       /**< verifies the seals of rows; borrowed */
    apr_interval_time_t max_stale;        /**< WebhookKeysMaxStale */
    apr_interval_time_t jwks_uri_refresh; /**< WebhookKeysJwksUriRefresh */
} whk_key_validity_t;

/** Read them from the store, and verify their seals, once. One reference. `pool` is for the while.
 * @param keys set to NULL where there is no such enterprise */
const whk_outcome_t *whk_enterprise_keys_read(whk_store_t *store, const char *enterprise_id,
                                              const whk_key_validity_t *validity,
                                              whk_enterprise_keys_t **keys, apr_pool_t *pool);

/** The key of a keyId, or NULL. */
whk_enterprise_key_t *whk_enterprise_keys_find(whk_enterprise_keys_t *keys, const char *key_id);

/** True of a key that was revoked, or whose planned time has come by either clock: one that is set
 * back does not bring it back. `now` is whk_clock_now(). */
int whk_enterprise_key_is_revoked(whk_enterprise_key_t *key, apr_time_t now);

/** A whk_code_t that says why a key does not verify at `now`; 0: it does. */
int whk_enterprise_key_flaw(const whk_enterprise_key_t *key, apr_time_t now);

/** True where a key seems good but for its set's age: the one of this keyId, or any with NULL. */
int whk_enterprise_keys_ended(whk_enterprise_keys_t *keys, const char *key_id, apr_time_t now);

/** Take over from those that these replace what is still the same. Before others see these. */
void whk_enterprise_keys_inherit(whk_enterprise_keys_t *keys, whk_enterprise_keys_t *older,
                                 whk_parsed_keys_t *parsed);

/** One reference more. */
void whk_enterprise_keys_retain(whk_enterprise_keys_t *keys);

/** One reference less; they are freed with their last. */
void whk_enterprise_keys_release(whk_enterprise_keys_t *keys, whk_parsed_keys_t *parsed);
