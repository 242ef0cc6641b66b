/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What was answered to a request that had an Idempotency-Key. */

#include "store/store.h"

/** A request that was answered, by its enterprise, user and key. */
typedef struct whk_idempotency_key_t {
    const char *enterprise_id;
    const char *user;
    const char *key; /**< of the header, unquoted */
    apr_time_t created;
    const char *body_hash; /**< SHA-256 of the request's body, as hex digits */
    const char *code;      /**< a whk_code_name(); NULL: it was a success */
    const char *answer;    /**< JSON of the success, or the message of the refusal */
    const char *seal;      /**< registry/seal.h; NULL: none */
} whk_idempotency_key_t;

/** The one of an enterprise's user, or NULL. */
const whk_outcome_t *whk_store_idempotency_key_get(whk_store_t *store, apr_pool_t *pool,
                                                   const char *enterprise_id, const char *user,
                                                   const char *key, whk_idempotency_key_t **found);

/** [T] Write it, in the place of one that there may be. */
const whk_outcome_t *whk_store_idempotency_key_put(whk_store_t *store, apr_pool_t *pool,
                                                   const whk_idempotency_key_t *key);

/** [T] Forget those of an enterprise that were made before `before`. */
const whk_outcome_t *whk_store_idempotency_key_purge(whk_store_t *store, apr_pool_t *pool,
                                                     const char *enterprise_id, apr_time_t before);
