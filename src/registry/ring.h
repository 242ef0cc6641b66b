#ifndef WHK_REGISTRY_RING_H
#define WHK_REGISTRY_RING_H

/**
 * @file registry/ring.h
 * For keyring.c alone: the keys of one enterprise as they were at one revision, in one piece of
 * memory, and the keys among them that were parsed. Nothing here locks: all calls for rings of one
 * keyring are made under its mutex, but for whk_parsed_make().
 */

#include <apr_ring.h>
#include <apr_tables.h>

#include "jose/jwk.h"
#include "registry/registry.h"

/** Parsed keys that a process keeps: some 10 KiB each. Beyond, the one used longest ago goes. */
#define WHK_PARSED_MOST 1024

/** Revoked keys whose keyIds are remembered, so that their owner is told. */
#define WHK_REVOKED_MOST 100

typedef struct whk_ring_entry_t whk_ring_entry_t;

/** A parsed key; freed with its last reference. */
typedef struct whk_parsed_t {
    APR_RING_ENTRY(whk_parsed_t) link; /**< by last use */
    apr_pool_t *pool;
    const whk_jwk_t *jwk;
    whk_ring_entry_t *entry; /**< whose it is; NULL once that dropped it */
    int references;
} whk_parsed_t;

typedef struct whk_parsed_list_t {
    APR_RING_HEAD(whk_parsed_head_t, whk_parsed_t) head; /**< used last: first */
    int count;
} whk_parsed_list_t;

struct whk_ring_entry_t {
    const char *key_id;
    const char *jwk; /**< NULL: revoked */
    whk_parsed_t *parsed;
    apr_time_t used; /**< when a use was last noted */
    int order;       /**< age among its ring's */
    char is_eddsa;
    char flaw; /**< a whk_code_t that says why it does not verify now; 0: it does;
                    WHK_INTERNAL_ERROR: its row is not as we wrote it */
};

typedef struct whk_ring_t {
    const char *enterprise_id;
    apr_int64_t revision;
    int references;
    int count;
    whk_ring_entry_t entries[]; /**< by key_id */
} whk_ring_t;

/** Make a ring of what the store said, which is held to its seals here, once; NULL: out of memory.
 *  One reference. `pool` is for the while. */
whk_ring_t *whk_ring_make(const char *enterprise_id, apr_int64_t revision,
                          const apr_array_header_t *active, const apr_array_header_t *revoked,
                          const whk_secret_key_t *secret, apr_pool_t *pool);

/** The entry of a keyId, or NULL. */
whk_ring_entry_t *whk_ring_find(whk_ring_t *ring, const char *key_id);

/** Take over from the ring that this one replaces what is still the same. */
void whk_ring_inherit(whk_ring_t *ring, whk_ring_t *older);

/** One reference less. */
void whk_ring_release(whk_ring_t *ring, whk_parsed_list_t *list);

/** Parse a stored key, with one reference; NULL where it can't be. Needs no lock. */
whk_parsed_t *whk_parsed_make(const char *jwk);

/** Keep a parsed key with its entry, which has none, and let go of the one used longest ago. */
void whk_parsed_keep(whk_parsed_t *parsed, whk_ring_entry_t *entry, whk_parsed_list_t *list);

/** The entry's parsed key was asked for. */
void whk_parsed_touch(whk_parsed_t *parsed, whk_parsed_list_t *list);

/** One reference less. */
void whk_parsed_release(whk_parsed_t *parsed);

#endif
