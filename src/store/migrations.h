/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Bringing a database's schema to this version. */

#include "store/transaction.h"

/** What a migration does that SQL can't, in its transaction, after the SQL of all: it finds the
 * schema of this version. */
typedef struct whk_migration_work_t {
    int version; /**< of the migration that it belongs to; 0 ends a list */
    whk_transaction_fn work;
} whk_migration_work_t;

/**
 * Bring the schema to this version: all migrations that are missing in one transaction, once,
 * forward only. `from` is set to the version found. A database newer than this code is an
 * `internal_error`.
 * @param works list of what migrations do beside their SQL; each gets `baton`. Where one fails,
 *              nothing happened. NULL: none */
const whk_outcome_t *whk_store_migrate(whk_store_t *store, apr_pool_t *pool,
                                       const whk_migration_work_t *works, void *baton, int *from);

/* ---- for the store's own files ---- */

/** Run all migrations in the dialect's scratch_set_up, have `read` look at what they made, and roll
 * all of it back. */
const whk_outcome_t *whk_migrate_in_vain(whk_store_t *store, apr_pool_t *pool,
                                         whk_transaction_fn read, void *baton);
