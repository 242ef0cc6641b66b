/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The shared memory of what a node knows (registry/enterprise_directory.h): one block for each
 * database, whichever servers use it. It outlives reloads: children of before and after one, and
 * those that take the place of a killed one, find it as it is. */

#include <httpd.h>

#include "httpd/server_state.h"

/** The name of the lock around polls, for the Mutex directive. */
#define WHK_POLL_MUTEX_NAME "webhook-keys-poll"

int whk_directory_shm_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** post_config: that of a server's database, made where there is none.
 * @param main_server where the process's pool is, and WebhookKeysMaxEnterprises
 * @return NULL where memory or lock can't be made: the log says so */
whk_node_directory_t *whk_directory_shm_get(server_rec *s, server_rec *main_server);

/** post_config, behind the last of those: let go those whose database no server has any more. */
void whk_directory_shm_tidy(void);

/** child_init: take the locks over into this child. */
void whk_directory_shm_child_init(apr_pool_t *pool, server_rec *s);
