/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What can be found wrong before a restart is, beyond a directive's own value. All are
 * check_config hooks: OK, or an HTTP status to stop at, and the log says why. */

#include <httpd.h>

/** That each server which needs a registry has one, and the key that seals it. */
int whk_config_check_registries(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

/** The files that directives name: the secret keys are loaded, certificate authorities are read. */
int whk_config_check_files(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** config_dump.c, before all others: where whkctl asks for it (model/config_dump.h), print what
 * httpd made of its configuration as JSON, and end the process. Nothing is checked then, neither by
 * us nor by others: `whkctl init` makes what is to be right later. */
int whk_config_dump(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
