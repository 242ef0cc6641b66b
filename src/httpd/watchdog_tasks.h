/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_WATCHDOG_TASKS_H
#define WHK_HTTPD_WATCHDOG_TASKS_H

/**
 * @file httpd/watchdog_tasks.h
 * One key cache for each virtual host that verifies webhooks, the memory in which the processes of
 * a node tell each other of changes, and the background tasks of each child (mod_watchdog).
 */

#include <httpd.h>

#include "registry/key_cache.h"

/** post_config: the shared memory and the background tasks. Before mod_watchdog's. */
int whk_watchdog_tasks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *s);

/** child_init: the key caches. Before mod_watchdog's, whose threads use them. */
void whk_watchdog_tasks_child_init(apr_pool_t *pool, server_rec *s);

/** Where changes of keys are told. */
whk_change_slots_t *whk_shared_counters(void);

#endif
