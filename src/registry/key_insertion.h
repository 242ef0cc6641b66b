/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A key becomes a row: what keeps it from being one, in a transaction of its enterprise. */

#include "registry/registry.h"
#include "store/enterprises.h"

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
