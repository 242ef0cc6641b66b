/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * What can be found wrong before a restart is, beyond a directive's own value. Both are
 * check_config hooks: OK, or an HTTP status to stop at, and the log says why.
 */

#include <httpd.h>

/** That each server which needs a registry has one, and the key that seals it. */
int whk_config_check_registries(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

/** The files that directives name: the secret keys are loaded, certificate authorities are read. */
int whk_config_check_files(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
