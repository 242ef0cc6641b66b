/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "ctl/httpd_conf.h"

const char *whk_setting_flaw(apr_pool_t *pool, const char *name, const whk_setting_t *setting)
{
    if (!setting->value || !setting->undefined)
        return NULL;
    return apr_psprintf(pool,
                        "%s: %s is \"%s\", but the variable %s is not defined: set it in the "
                        "environment, as httpd's start script does (on Debian: set -a; . "
                        "/etc/apache2/envvars)",
                        setting->place, name, setting->value, setting->undefined);
}

/* A virtual host has the main server's settings where it has none of its own, as in mod_dbd. */
static whk_httpd_server_t merge(const whk_httpd_server_t *base, const whk_httpd_server_t *over)
{
    whk_httpd_server_t merged = *over;

    if (!over->driver.value)
        merged.driver = base->driver;
    if (!over->params.value)
        merged.params = base->params;
    if (!over->secret_key_file.value)
        merged.secret_key_file = base->secret_key_file;
    return merged;
}

static int same_value(const whk_setting_t *one, const whk_setting_t *two)
{
    return one->value == two->value ||
           (one->value && two->value && !strcmp(one->value, two->value));
}

static int same_registry(const whk_httpd_server_t *one, const whk_httpd_server_t *two)
{
    return same_value(&one->driver, &two->driver) && same_value(&one->params, &two->params) &&
           same_value(&one->secret_key_file, &two->secret_key_file);
}

static int has_own(const whk_httpd_server_t *server)
{
    return server->driver.value || server->params.value || server->secret_key_file.value;
}

static int is_named(const whk_httpd_server_t *server, const char *name)
{
    int i;

    for (i = 0; i < server->names->nelts; i++)
        if (fnmatch(APR_ARRAY_IDX(server->names, i, const char *), name, FNM_CASEFOLD) == 0)
            return 1;
    return 0;
}

static const char *list(apr_pool_t *pool, const apr_array_header_t *servers)
{
    const char *text = "";
    int i;

    for (i = 0; i < servers->nelts; i++) {
        const whk_httpd_server_t *server = APR_ARRAY_IDX(servers, i, whk_httpd_server_t *);
        const char *name = server->names->nelts > 0 ? APR_ARRAY_IDX(server->names, 0, const char *)
                                                    : "without a ServerName";

        text = apr_pstrcat(pool, text, i > 0 ? ", " : "", name, " (", server->place, ")", NULL);
    }
    return text;
}

/* The virtual hosts whose registry may be meant: those of that name, or all; of these, those that
 * say something of a registry, so that a host which only redirects is in nobody's way. */
static apr_array_header_t *candidates(apr_pool_t *pool, const whk_httpd_conf_t *conf,
                                      const char *name, int *named)
{
    apr_array_header_t *found = apr_array_make(pool, 4, sizeof(whk_httpd_server_t *));
    int i;

    *named = 0;
    for (i = 0; i < conf->virtual_hosts->nelts; i++) {
        whk_httpd_server_t *server = APR_ARRAY_IDX(conf->virtual_hosts, i, whk_httpd_server_t *);

        if (name && !is_named(server, name))
            continue;
        ++*named;
        if (has_own(server))
            APR_ARRAY_PUSH(found, whk_httpd_server_t *) = server;
    }
    return found;
}

static const char *choose_among(apr_pool_t *pool, const whk_httpd_conf_t *conf,
                                const apr_array_header_t *found, whk_httpd_server_t *chosen)
{
    int i;

    *chosen = merge(&conf->main_server, APR_ARRAY_IDX(found, 0, whk_httpd_server_t *));
    for (i = 1; i < found->nelts; i++) {
        whk_httpd_server_t other =
            merge(&conf->main_server, APR_ARRAY_IDX(found, i, whk_httpd_server_t *));

        if (!same_registry(chosen, &other))
            return apr_psprintf(pool,
                                "several virtual hosts have a registry of their own, name one with "
                                "--server: %s",
                                list(pool, found));
    }
    return NULL;
}

/* The main server has a registry: a virtual host counts where it adds the secret key to that one.
 */
static apr_array_header_t *of_main_registry(apr_pool_t *pool, const whk_httpd_conf_t *conf,
                                            const apr_array_header_t *found)
{
    apr_array_header_t *same = apr_array_make(pool, 4, sizeof(whk_httpd_server_t *));
    int i;

    for (i = 0; i < found->nelts; i++) {
        whk_httpd_server_t *server = APR_ARRAY_IDX(found, i, whk_httpd_server_t *);
        whk_httpd_server_t merged = merge(&conf->main_server, server);

        if (same_value(&merged.driver, &conf->main_server.driver) &&
            same_value(&merged.params, &conf->main_server.params))
            APR_ARRAY_PUSH(same, whk_httpd_server_t *) = server;
    }
    return same;
}

static const char *choose(apr_pool_t *pool, const whk_httpd_conf_t *conf, const char *name,
                          whk_httpd_server_t *chosen)
{
    int named;
    const apr_array_header_t *found = candidates(pool, conf, name, &named);

    *chosen = conf->main_server;
    if (name && !named && !is_named(&conf->main_server, name))
        return apr_psprintf(pool, "--server: no virtual host has the ServerName or ServerAlias %s",
                            name);
    if (!name && conf->main_server.params.value) {
        if (conf->main_server.secret_key_file.value)
            return NULL;
        found = of_main_registry(pool, conf, found);
    }
    return found->nelts > 0 ? choose_among(pool, conf, found, chosen) : NULL;
}

static const char *check_given(apr_pool_t *pool, const whk_httpd_server_t *server)
{
    const char *missing = NULL;
    const char *flaw;

    if (!server->driver.value)
        missing = "DBDriver sqlite3";
    else if (!server->params.value || !*server->params.value)
        missing = "DBDParams /path/of/registry.db";
    if (missing)
        return apr_psprintf(pool, "the configuration names no registry: it needs %s%s%s", missing,
                            server->place ? ", here or in the main server: " : "",
                            server->place ? server->place : "");
    flaw = whk_setting_flaw(pool, "DBDriver", &server->driver);
    if (!flaw)
        flaw = whk_setting_flaw(pool, "DBDParams", &server->params);
    if (!flaw)
        flaw = whk_setting_flaw(pool, "WebhookKeysSecretKeyFile", &server->secret_key_file);
    return flaw;
}

const char *whk_httpd_conf_registry(apr_pool_t *pool, const whk_httpd_conf_t *conf,
                                    const char *server, whk_registry_conf_t *registry)
{
    whk_httpd_server_t chosen;
    const char *flaw = choose(pool, conf, server, &chosen);
    char *file;

    if (!flaw)
        flaw = check_given(pool, &chosen);
    if (flaw)
        return flaw;
    memset(registry, 0, sizeof(*registry));
    registry->driver = chosen.driver.value;
    registry->params = chosen.params.value;
    registry->params_place = chosen.params.place;
    registry->user = conf->user;
    if (!chosen.secret_key_file.value)
        return NULL;
    if (apr_filepath_merge(&file, conf->server_root, chosen.secret_key_file.value,
                           APR_FILEPATH_TRUENAME, pool) != APR_SUCCESS)
        return apr_psprintf(pool, "%s: WebhookKeysSecretKeyFile is \"%s\", which is no path",
                            chosen.secret_key_file.place, chosen.secret_key_file.value);
    registry->secret_key_file = file;
    return NULL;
}
