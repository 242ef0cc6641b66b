/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Bearer tokens. */

#include "store/store.h"

/** A bearer token as the store knows it: never the token itself. */
typedef struct whk_token_t {
    const char *id;   /**< random UUID */
    const char *hash; /**< SHA-256 of the token, 64 lower-case hex digits */
    const char *user;
    const char *label;
    apr_time_t created;
    apr_time_t expires; /**< 0: never */
    apr_time_t revoked; /**< 0: not revoked */
} whk_token_t;

/** By hash, whatever its state; NULL where there is none. */
const whk_outcome_t *whk_store_token_find(whk_store_t *store, apr_pool_t *pool, const char *hash,
                                          whk_token_t **token);

const whk_outcome_t *whk_store_token_insert(whk_store_t *store, apr_pool_t *pool,
                                            const whk_token_t *token);

/** Of one user, or of all with NULL; oldest first: an array of `whk_token_t *`. */
const whk_outcome_t *whk_store_token_list(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          apr_array_header_t **tokens);

/** `revoked` is 0 where there is no such token that isn't revoked already. */
const whk_outcome_t *whk_store_token_revoke(whk_store_t *store, apr_pool_t *pool, const char *id,
                                            apr_time_t when, int *revoked);
