/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** WebhookKeysNotify: somebody is told of events, by a task of the background. */

#include <httpd.h>

/** check_config: the programs can be run. */
int whk_notify_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** A watchdog callback for the server `data`: write down what only time brings, and tell what is
 * due, where it is this process's turn. */
apr_status_t whk_notify_task(int state, void *data, apr_pool_t *pool);
