/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Where this httpd counts (metrics/metrics.h): in a file of DefaultRuntimeDir, made by the parent
 * at the start and kept over reloads. */

#include <httpd.h>

/** The path of the file, which is not there while httpd is not. */
const char *whk_metrics_shm_file(apr_pool_t *pool);

/** post_config, before whatever is counted: make it, once. Without it httpd serves, and counts
 * nothing. OK. */
int whk_metrics_shm_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

/** child_init: what a child has of sums ends with it. */
void whk_metrics_shm_child_init(apr_pool_t *pool, server_rec *s);
