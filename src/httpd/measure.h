/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The gauges that nobody counts: what this process has, and what the node knows. */

#include <httpd.h>

/** Once a second, by each process. @param pool for the while */
void whk_measure(server_rec *main_server, apr_pool_t *pool);
