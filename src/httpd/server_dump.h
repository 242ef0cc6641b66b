/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What each server says of how it is reached and guarded, for whkctl check: as it stands in the
 * configuration, whichever section it stands in. */

#include <apr_pools.h>
#include <jansson.h>

/** `hosts` of model/config_dump.h; a new reference, NULL where memory is out. */
json_t *whk_server_dump_hosts(apr_pool_t *pool);

/** `settings` of model/config_dump.h; likewise. */
json_t *whk_server_dump_settings(void);
