/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Seals for rows that are there: the first ones, of a registry of an older version, and those
 * under another key of the secret key file. */

#include "registry/registry.h"

/** Room for names of rows. */
#define WHK_RESEAL_NAMES 1024

/** What was done, and what was met. */
typedef struct whk_reseal_t {
    /** Its first key is to seal everything; what is sealed by others of it is sealed anew. */
    const whk_secret_key_t *secret;
    /** Called now and then; may be NULL. */
    void (*progress)(const struct whk_reseal_t *reseal);
    int look; /**< write nothing: `busy` counts what is sealed by another key */
    apr_int64_t keys, admins, events, secrets; /**< sealed anew; the last: OTP secrets */
    apr_int64_t busy; /**< rows that somebody changed meanwhile, and that are for the next time */
    apr_int64_t bad;  /**< rows whose seal did not fit; they stay as they are, worth nothing */
    /** The first ones that were sealed by another key, a line each, as `admin alice of acme`. */
    char names[WHK_RESEAL_NAMES];
} whk_reseal_t;

/** Seal everything of a registry under the first key that is not. In small transactions, so that
 * others write meanwhile; what was done is done where it ends half way, and need not be done again.
 */
const whk_outcome_t *whk_reseal(whk_registry_t *registry, whk_reseal_t *reseal);

/** [T] Give a seal to each row of a registry that has none yet. */
const whk_outcome_t *whk_seal_first(whk_store_t *store, const whk_secret_key_t *secret,
                                    apr_pool_t *pool);
