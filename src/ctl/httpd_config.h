/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** httpd's configuration, as httpd itself reads it: `httpd -t` is started with a define by which
 * the module tells what it was configured to be (model/config_dump.h). */

#include <apr_pools.h>
#include <apr_tables.h>
#include <sys/types.h>

/** Who httpd's children run as; `name` is NULL where no User directive says so. */
typedef struct whk_httpd_user_t {
    const char *name; /**< as the directive has it: a name, or `#` and a number */
    uid_t uid;
    gid_t gid;
} whk_httpd_user_t;

/** The main server, or a virtual host with what it has of the main server. NULL: not set. */
typedef struct whk_httpd_server_t {
    apr_array_header_t *names; /**< `const char *`: the name of the server, then its aliases */
    const char *place;         /**< `FILE:LINE`; NULL for the main server */
    const char *driver;
    const char *params;
    const char *params_place;
    const char *secret_key_file; /**< absolute */
} whk_httpd_server_t;

typedef struct whk_httpd_config_t {
    whk_httpd_user_t user;
    whk_httpd_server_t main_server;
    apr_array_header_t
        *virtual_hosts;          /**< `whk_httpd_server_t *`, in the order of the configuration */
    apr_array_header_t *modules; /**< `const char *`, as httpd has them: all that are loaded */
    const char *mpm;             /**< `event`, `worker`, `prefork` or another */
    struct json_t *hosts;        /**< as model/config_dump.h has them; NULL of another version */
    struct json_t *settings;     /**< likewise */
    const char *metrics_file;    /**< what it counts in; NULL: nowhere */
    apr_array_header_t *not_enforced; /**< `const char *`: where WebhookKeysEnforce Off stands */
} whk_httpd_config_t;

/** Start httpd and ask. The file `envvars` beside the configuration is read by a shell first, and
 * what it sets is used, as Debian's apache2ctl does it.
 * @param httpd the program
 * @param file its main configuration file
 * @param defines `const char *`: names for httpd's -D
 * @return NULL, or what is wrong: a sentence, and below it httpd's own words where it has any */
const char *whk_httpd_config_read(apr_pool_t *pool, const char *httpd, const char *file,
                                  const apr_array_header_t *defines,
                                  const whk_httpd_config_t **config);
