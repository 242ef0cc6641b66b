/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A key becomes a row: what keeps it from being one, in a transaction of its enterprise. */

#include "jose/jwk.h"
#include "registry/registry.h"
#include "store/enterprises.h"

/** What somebody wants to be a key. */
typedef struct whk_key_wish_t {
    const char *key_id;
    const char *key_name;   /**< NULL: as the keyId */
    const char *jwks_uri;   /**< NULL: none */
    const whk_jwk_t *jwk;   /**< NULL: it has no material */
    const char *thumbprint; /**< then, what its id stands behind: WHK_SET_THUMBPRINT */
    apr_time_t revokes;     /**< 0: nothing is planned */
} whk_key_wish_t;

/** An ACTIVE key of `caller`'s enterprise, created now and sealed; in `pool`.
 * @return NULL, or an internal_error */
const whk_outcome_t *whk_key_make(apr_pool_t *pool, const whk_secret_key_t *secret,
                                  const whk_caller_t *caller, const whk_key_wish_t *wish,
                                  whk_key_t **key);

/** Where keys are inserted. */
typedef struct whk_insertion_t {
    const whk_secret_key_t *secret;
    int max_active;               /**< WebhookKeysMaxActive */
    whk_enterprise_t *enterprise; /**< locked; whoever locked it writes it back */
} whk_insertion_t;

/** [T] Insert an ACTIVE key that is sealed, under the next number of its enterprise, and use up its
 * material.
 * @param refusal set to NULL, or to key_id_taken, key_material_in_use or active_key_limit: then
 *                nothing was inserted
 * @return NULL, or a 5xx */
const whk_outcome_t *whk_key_insert(whk_store_t *store, apr_pool_t *pool,
                                    const whk_insertion_t *insertion, whk_key_t *key,
                                    const whk_outcome_t **refusal);

/** The answer to key material that the enterprise had before. */
const whk_outcome_t *whk_material_in_use(apr_pool_t *pool);
