/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_KEY_HISTORY_H
#define WHK_REGISTRY_KEY_HISTORY_H

/**
 * @file registry/key_history.h
 * For audit_verify.c alone: what the events of an enterprise say of its keys, and whether a key's
 * row says the same.
 */

#include <apr_hash.h>

#include "model/event.h"
#include "registry/registry.h"

/** Of one key. */
typedef struct whk_story_t {
    const char *key_id;
    const char *thumbprint; /**< of its newest material; NULL: no event tells (older versions) */
    apr_time_t registered;
    const char *registered_by;
    apr_time_t revoked; /**< 0: it was not */
    const char *revoked_by;
    int again;   /**< it is not the first of its keyId: a row was taken away in between */
    int twice;   /**< some event told of the same material before */
    int has_row; /**< for the one who walks the rows */
} whk_story_t;

typedef struct whk_stories_t {
    apr_pool_t *pool;
    apr_hash_t *by_key_id;   /**< whk_story_t */
    apr_hash_t *thumbprints; /**< every one that an event names */
} whk_stories_t;

whk_stories_t *whk_stories_make(apr_pool_t *pool);

/** What an event adds, in the order of events. It need not live on. */
void whk_stories_tell(whk_stories_t *stories, const whk_event_t *event);

whk_story_t *whk_stories_of(const whk_stories_t *stories, const char *key_id);

/** In what a key's row and its story differ, in words; NULL: in nothing. `story` may be NULL. */
const char *whk_story_flaw(const whk_story_t *story, const whk_key_t *key);

#endif
