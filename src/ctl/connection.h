/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The one database connection of a run of whkctl, as a source of the store. */

#include <apr_pools.h>

#include "ctl/registry_config.h"
#include "store/store.h"

/** Connect, and make a store over the connection; both end with the pool.
 * @param config says which
 * @return NULL, or a sentence that says why not */
const char *whk_connection_open(apr_pool_t *pool, const whk_registry_config_t *config,
                                whk_store_t **store);
