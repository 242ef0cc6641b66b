/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** mod_dbd's connections as a source of the store, and the mutex around writes to a database with a
 * single writer. */

#include <httpd.h>

#include "store/store.h"

/** The name that the `Mutex` directive knows the mutex by. */
#define WHK_MUTEX_NAME "webhook-keys-store"

/** pre_config: make the mutex known. */
int whk_database_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** post_config: make the mutex. */
int whk_database_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** child_init: take the mutex over into this child. */
void whk_database_child_init(apr_pool_t *pool, server_rec *s);

/** A store over the connections of a virtual host, for one request or task, whose pool it is. */
whk_store_t *whk_database_store(server_rec *s, apr_pool_t *pool);

/** Once in a child: take a connection and give it back. mod_dbd makes one at the start of a child,
 * and one that was never lent to us is not noticed when it is lost. */
void whk_database_meet_connection(server_rec *s, apr_pool_t *pool);
