/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_ENTERPRISE_KEYS_H
#define WHK_REGISTRY_ENTERPRISE_KEYS_H

/**
 * @file registry/enterprise_keys.h
 * For key_cache.c alone: the keys of one enterprise as they were at one revision, in one piece of
 * memory, and the keys among them that were parsed. Nothing here locks: all calls for rings of one
 * key cache are made under its mutex, but for whk_parsed_make().
 */

#include <apr_ring.h>
#include <apr_tables.h>

#include "jose/jwk.h"
#include "registry/registry.h"

/** Parsed keys that a process keeps: some 10 KiB each. Beyond, the one used longest ago goes. */
#define WHK_PARSED_MOST 1024

#define WHK_NEVER APR_INT64_MAX

/** Revoked keys whose keyIds are remembered, so that their owner is told. */
#define WHK_REVOKED_MOST 100

typedef struct whk_key_entry_t whk_key_entry_t;

/** A parsed key; freed with its last reference. */
typedef struct whk_parsed_t {
    APR_RING_ENTRY(whk_parsed_t) link; /**< by last use */
    apr_pool_t *pool;
    const whk_jwk_t *jwk;
    whk_key_entry_t *entry; /**< whose it is; NULL once that dropped it */
    int references;
} whk_parsed_t;

typedef struct whk_parsed_list_t {
    APR_RING_HEAD(whk_parsed_head_t, whk_parsed_t) head; /**< used last: first */
    int count;
} whk_parsed_list_t;

struct whk_key_entry_t {
    const char *key_id;
    const char *jwk; /**< NULL: revoked */
    whk_parsed_t *parsed;
    apr_time_t used;        /**< when a use was last noted, by whk_clock_now(); 0: not yet */
    apr_time_t last_used;   /**< the same by the wall clock, at first as it is stored */
    apr_time_t fresh_until; /**< of its set by URI, as it is stored; 0: none */
    apr_time_t end;         /**< by whk_clock_now(), from when its set is too old; or WHK_NEVER */
    int order;              /**< age among its ring's */
    char is_ed25519;
    char flaw; /**< a whk_code_t that says why it does not verify now; 0: it does;
                    WHK_INTERNAL_ERROR: its row is not as we wrote it */
};

typedef struct whk_enterprise_keys_t {
    const char *enterprise_id;
    apr_int64_t revision;
    apr_time_t read_at; /**< when reading it began, by whk_clock_now() */
    int references;
    int count;
    whk_key_entry_t entries[]; /**< by key_id */
} whk_enterprise_keys_t;

/** Make a ring of what the store said, which is held to its seals here, once; NULL: out of memory.
 *  One reference. `pool` is for the while. */
whk_enterprise_keys_t *whk_enterprise_keys_make(const char *enterprise_id, apr_int64_t revision,
                                                const apr_array_header_t *active,
                                                const apr_array_header_t *revoked,
                                                const whk_secret_key_t *secret, apr_pool_t *pool);

/** The entry of a keyId, or NULL. */
whk_key_entry_t *whk_enterprise_keys_find(whk_enterprise_keys_t *ring, const char *key_id);

/** Its keys by this set are good until `end`. */
void whk_enterprise_keys_set_end(whk_key_entry_t *entry, apr_time_t fresh_until, apr_time_t end);

/** A whk_code_t that says why an entry does not verify at `now`; 0: it does. */
int whk_key_entry_flaw(const whk_key_entry_t *entry, apr_time_t now);

/** True where a key seems good but for its set's age: the one of this keyId, or any with NULL. */
int whk_enterprise_keys_has_ended(whk_enterprise_keys_t *ring, const char *key_id, apr_time_t now);

/** Take over from the ring that this one replaces what is still the same. */
void whk_enterprise_keys_inherit(whk_enterprise_keys_t *ring, whk_enterprise_keys_t *older);

/** One reference less. */
void whk_enterprise_keys_release(whk_enterprise_keys_t *ring, whk_parsed_list_t *list);

/** Parse a stored key, with one reference; NULL where it can't be. Needs no lock. */
whk_parsed_t *whk_parsed_make(const char *jwk);

/** Keep a parsed key with its entry, which has none, and let go of the one used longest ago. */
void whk_parsed_keep(whk_parsed_t *parsed, whk_key_entry_t *entry, whk_parsed_list_t *list);

/** The entry's parsed key was asked for. */
void whk_parsed_touch(whk_parsed_t *parsed, whk_parsed_list_t *list);

/** One reference less. */
void whk_parsed_release(whk_parsed_t *parsed);

#endif
