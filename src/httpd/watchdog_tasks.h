/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The background tasks of each child (mod_watchdog): they poll for changes of keys, write when
 * keys were used last, and refresh key sets by URI. One key cache for each virtual host that
 * verifies webhooks, which they keep up to date. Which keys were revoked as planned is written down
 * by virtual hosts that serve the API alone too. */

#include <httpd.h>

/** post_config: the background tasks, and the memory of counters. Before mod_watchdog's. */
int whk_watchdog_tasks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *s);

/** child_init: the key caches. Before mod_watchdog's, whose threads use them. */
void whk_watchdog_tasks_child_init(apr_pool_t *pool, server_rec *s);
