/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The migration that seals the rows of a registry of an older version. */

#include "otp/secret_key.h"
#include "store/migrations.h"

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
