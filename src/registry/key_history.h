/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the events of an enterprise say of its keys, and whether a key's
 * row says the same. */

#include <apr_hash.h>

#include "model/event.h"
#include "registry/registry.h"

/** Of one key. */
typedef struct whk_key_history_t {
    const char *key_id;
    const char *thumbprint; /**< of its newest material; NULL: no event tells (older versions) */
    apr_time_t registered;
    const char *registered_by;
    apr_time_t planned; /**< when it is to be revoked by itself, or was; 0: nothing is planned;
                             -1: an event tells a time that is none */
    apr_time_t revoked; /**< 0: it was not */
    const char *revoked_by;
    int registered_twice; /**< it is not the first of its keyId: a row was taken away in between */
    int material_reused;  /**< some event told of the same material before */
    int has_row;          /**< set by who reads the rows */
} whk_key_history_t;

typedef struct whk_key_histories_t {
    apr_pool_t *pool;
    apr_hash_t *by_key_id;   /**< whk_key_history_t */
    apr_hash_t *thumbprints; /**< every one that an event names */
} whk_key_histories_t;

whk_key_histories_t *whk_key_histories_create(apr_pool_t *pool);

/** What an event adds, in the order of events. It need not live on. */
void whk_key_histories_add(whk_key_histories_t *histories, const whk_event_t *event);

whk_key_history_t *whk_key_histories_get(const whk_key_histories_t *histories, const char *key_id);

/** In what a key's row and its history differ, in words; NULL: in nothing. `history` may be NULL.
 */
const char *whk_key_history_flaw(const whk_key_history_t *history, const whk_key_t *key);
