/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The shared memory of what the processes of a node count together. It outlives reloads. */

#include <apr_pools.h>

#include "registry/shared_counters.h"

/** post_config: create it, once, in the pool of the process. */
apr_status_t whk_counters_shm_create(apr_pool_t *process);

whk_shared_counters_t *whk_counters_shm(void);
