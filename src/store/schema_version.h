/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The version of the schema: the number of its newest migration. */

#include "store/store.h"

/** The schema version that this code writes and reads. */
int whk_schema_version(void);

/** Set `version` to that of the database; 0 where it has no schema of ours. */
const whk_outcome_t *whk_store_schema_version(whk_store_t *store, apr_pool_t *pool, int *version);

/* ---- for the store's own files ---- */

/** As whk_store_schema_version(), over the connection that is held. */
const whk_outcome_t *whk_schema_version_read(whk_store_t *store, apr_pool_t *pool, int *version);

/** As whk_session_acquire(); store_unavailable where the schema is not of this version. */
const whk_outcome_t *whk_session_acquire_current(whk_store_t *store, apr_pool_t *pool);
