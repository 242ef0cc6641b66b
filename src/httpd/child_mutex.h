/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A global mutex in a child. */

#include <httpd.h>

#include <apr_global_mutex.h>

/** child_init: take a mutex over into this child. Where that can't be done it is set to NULL, and
 * the log tells what this child does not do then: `so it …`. */
void whk_child_mutex_init(apr_global_mutex_t **mutex, const char *name, const char *consequence,
                          apr_pool_t *pool, server_rec *s);
