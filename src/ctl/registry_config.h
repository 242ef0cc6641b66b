/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which of the registries in httpd's configuration is meant, and what is said of it there. */

#include "ctl/httpd_config.h"
#include "store/dialect.h"

typedef struct whk_registry_config_t {
    const whk_dialect_t *dialect; /**< of DBDriver */
    const char *params;           /**< may hold a password: never shown */
    const char *name;            /**< for people and for the marks of the secret key file: the file,
                                  *   or driver, host, port and database */
    const char *params_place;    /**< `FILE:LINE` */
    const char *secret_key_file; /**< absolute; NULL: none named */
    whk_httpd_user_t user;
    const whk_httpd_config_t *httpd; /**< the whole configuration */
} whk_registry_config_t;

/** The registry of a server.
 * @param server a ServerName or ServerAlias. NULL: the main server's, or where it has none, the one
 *               that the virtual hosts have
 * @return NULL, or a sentence that says what is wrong and what would be right */
const char *whk_registry_config_find(apr_pool_t *pool, const whk_httpd_config_t *config,
                                     const char *server, whk_registry_config_t *registry);
