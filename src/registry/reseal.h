/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_RESEAL_H
#define WHK_REGISTRY_RESEAL_H

/**
 * @file registry/reseal.h
 * Seals for rows that are there: the first ones, of a registry of an older version, and those under
 * another key of the secret key file.
 */

#include "registry/registry.h"
#include "store/migrations.h"

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

/**
 * Seal everything of a registry under the first key that is not. In small transactions, so that
 * others write meanwhile; what was done is done where it ends half way, and need not be done again.
 */
const whk_outcome_t *whk_reseal(whk_registry_t *registry, whk_reseal_t *reseal);

/** What the first seals need. */
typedef struct whk_first_seals_t {
    const whk_secret_key_t *secret;
    const char *key_file; /**< its name, for the operator */
    /** The rows of this registry had seals once (whk_secret_key_has_mark()): then those that are
     *  found without one are somebody else's work, and are refused. */
    int sealed_before;
} whk_first_seals_t;

/** For whk_store_migrate(): what version 4 does beside its SQL. The trail of each enterprise is
 *  verified, and what is found good is sealed. The baton is a whk_first_seals_t. */
extern const whk_migration_work_t whk_registry_migrations[];

#endif
