/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The one database connection of a run of whkctl, as a source of the store. */

#include <apr_pools.h>

#include "store/store.h"

/** Connect, and make a store over the connection; both end with the pool.
 * @param driver DBDriver's argument
 * @param params DBDParams' argument
 * @return NULL, or a sentence that says why not */
const char *whk_connection_open(apr_pool_t *pool, const char *driver, const char *params,
                                whk_store_t **store);
