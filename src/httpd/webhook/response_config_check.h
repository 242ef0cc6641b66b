/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What can be found wrong with locations whose answers are signed before any answer comes. */

#include <httpd.h>

/** check_config hook. */
int whk_response_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                              server_rec *s);
