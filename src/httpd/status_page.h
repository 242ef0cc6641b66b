/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Our section of mod_status' page: what was counted, for people, and with `?auto` for programs. */

#include <apr_pools.h>

/** pre_config, when all modules are loaded: without mod_status there is none. OK. */
int whk_status_page_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
