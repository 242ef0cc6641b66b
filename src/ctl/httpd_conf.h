/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_CTL_HTTPD_CONF_H
#define WHK_CTL_HTTPD_CONF_H

/**
 * @file ctl/httpd_conf.h
 * What httpd's own configuration says of a registry, so that it is said in one place.
 *
 * Read as httpd reads it: Include and IncludeOptional with wildcards, Define, UnDefine and
 * `${NAME}`, `<IfDefine>`, `<IfModule>` (true where a LoadModule was seen before), `<IfFile>`,
 * `<VirtualHost>`. Directives other than those that are asked for are not judged.
 */

#include <apr_pools.h>
#include <apr_tables.h>

/** A directive's argument and where it stands. `value` is NULL where the directive is not there. */
typedef struct whk_setting_t {
    const char *value;
    const char *undefined; /**< a variable in it that has no value; NULL: none */
    const char *place;     /**< `FILE:LINE` */
} whk_setting_t;

/** The main server, or a virtual host. */
typedef struct whk_httpd_server_t {
    apr_array_header_t *names; /**< `const char *`: ServerName, then each ServerAlias */
    const char *place;         /**< NULL for the main server */
    whk_setting_t driver;
    whk_setting_t params;
    whk_setting_t secret_key_file;
} whk_httpd_server_t;

typedef struct whk_httpd_conf_t {
    const char *server_root;
    whk_setting_t user;
    whk_httpd_server_t main_server;
    apr_array_header_t *virtual_hosts; /**< `whk_httpd_server_t *` */
} whk_httpd_conf_t;

/**
 * Read a configuration from its main file on.
 * @param defines `const char *`: names as of httpd's own -D
 * @return NULL, or a sentence that says where (`FILE:LINE`) and what is wrong
 */
const char *whk_httpd_conf_read(apr_pool_t *pool, const char *file,
                                const apr_array_header_t *defines, const whk_httpd_conf_t **conf);

/** What whkctl needs to know of one registry. */
typedef struct whk_registry_conf_t {
    const char *driver;
    const char *params;
    const char *params_place;
    const char *secret_key_file; /**< absolute; NULL: none named */
    whk_setting_t user;          /**< who httpd's children run as */
} whk_registry_conf_t;

/**
 * The registry of a server.
 * @param server a ServerName or ServerAlias. NULL: the main server's, or where it has none, the one
 *               that the virtual hosts have
 * @return NULL, or a sentence that says what is wrong and what would be right
 */
const char *whk_httpd_conf_registry(apr_pool_t *pool, const whk_httpd_conf_t *conf,
                                    const char *server, whk_registry_conf_t *registry);

/** NULL, or a sentence: the setting `name` can't be known, since a variable in it has no value. */
const char *whk_setting_flaw(apr_pool_t *pool, const char *name, const whk_setting_t *setting);

#endif
