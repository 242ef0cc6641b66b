/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The clock of the database's machine. */

#include <apr_time.h>

#include "store/store.h"

/** Set `ahead` to by how much it is ahead of the clock here, less than 0 where it is behind, and
 * `error` to by how much that may be wrong: half of the time that asking took. Both 0 where the
 * database is on this machine by its nature. */
const whk_outcome_t *whk_store_clock_ahead(whk_store_t *store, apr_pool_t *pool,
                                           apr_interval_time_t *ahead, apr_interval_time_t *error);
