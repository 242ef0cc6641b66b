/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/registry_config.h"

#include <apr_strings.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

static int same_value(const char *one, const char *two)
{
    return one == two || (one && two && !strcmp(one, two));
}

static int same_database(const whk_httpd_server_t *one, const whk_httpd_server_t *two)
{
    return same_value(one->driver, two->driver) && same_value(one->params, two->params);
}

static int same_registry(const whk_httpd_server_t *one, const whk_httpd_server_t *two)
{
    return same_database(one, two) && same_value(one->secret_key_file, two->secret_key_file);
}

/* Only those with a star or a question mark are patterns, as in httpd: `[::1]` is an address. */
static int is_named(const whk_httpd_server_t *server, const char *name)
{
    int i;

    for (i = 0; i < server->names->nelts; i++) {
        const char *own = APR_ARRAY_IDX(server->names, i, const char *);

        if (!strcasecmp(own, name) || (strpbrk(own, "*?") && fnmatch(own, name, FNM_CASEFOLD) == 0))
            return 1;
    }
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
static apr_array_header_t *candidates(apr_pool_t *pool, const whk_httpd_config_t *config,
                                      const char *name, int *named)
{
    apr_array_header_t *found = apr_array_make(pool, 4, sizeof(whk_httpd_server_t *));
    int i;

    *named = 0;
    for (i = 0; i < config->virtual_hosts->nelts; i++) {
        whk_httpd_server_t *server = APR_ARRAY_IDX(config->virtual_hosts, i, whk_httpd_server_t *);

        if (name && !is_named(server, name))
            continue;
        ++*named;
        if (!same_registry(server, &config->main_server))
            APR_ARRAY_PUSH(found, whk_httpd_server_t *) = server;
    }
    return found;
}

/* The main server has a registry: a virtual host counts where it adds the secret key to that one.
 */
static apr_array_header_t *of_main_database(apr_pool_t *pool, const whk_httpd_config_t *config,
                                            const apr_array_header_t *found)
{
    apr_array_header_t *same = apr_array_make(pool, 4, sizeof(whk_httpd_server_t *));
    int i;

    for (i = 0; i < found->nelts; i++) {
        whk_httpd_server_t *server = APR_ARRAY_IDX(found, i, whk_httpd_server_t *);

        if (same_database(server, &config->main_server))
            APR_ARRAY_PUSH(same, whk_httpd_server_t *) = server;
    }
    return same;
}

static const char *choose(apr_pool_t *pool, const whk_httpd_config_t *config, const char *name,
                          const whk_httpd_server_t **chosen)
{
    int named;
    int i;
    const apr_array_header_t *found = candidates(pool, config, name, &named);

    *chosen = &config->main_server;
    if (name && !named && !is_named(&config->main_server, name))
        return apr_psprintf(pool, "--server: no virtual host has the ServerName or ServerAlias %s",
                            name);
    if (!name && config->main_server.params) {
        if (config->main_server.secret_key_file)
            return NULL;
        found = of_main_database(pool, config, found);
    }
    for (i = 0; i < found->nelts; i++) {
        const whk_httpd_server_t *server = APR_ARRAY_IDX(found, i, whk_httpd_server_t *);

        if (i > 0 && !same_registry(*chosen, server))
            return apr_psprintf(pool,
                                "several virtual hosts have a registry of their own, name one with "
                                "--server: %s",
                                list(pool, found));
        *chosen = server;
    }
    return NULL;
}

/* httpd leaves a variable without a value as it stands, and warns of it. */
static const char *variable_flaw(apr_pool_t *pool, const char *place, const char *name,
                                 const char *value)
{
    if (!value || !strstr(value, "${"))
        return NULL;
    return apr_psprintf(pool,
                        "%s%s%s is \"%s\", but this variable is not defined: Define it there, or "
                        "set it in the environment, as httpd's start script does",
                        place ? place : "", place ? ": " : "", name, value);
}

static const char *driver_flaw(apr_pool_t *pool, const whk_httpd_server_t *server)
{
    const whk_dialect_t *dialect = whk_dialect_of(server->driver);
    const char *flaw;

    if (!dialect)
        return apr_psprintf(pool, "DBDriver is \"%s\", but must be " WHK_DRIVERS, server->driver);
    flaw = dialect->params_flaw ? dialect->params_flaw(pool, server->params) : NULL;
    return flaw ? apr_psprintf(pool, "%s%sDBDParams must %s",
                               server->params_place ? server->params_place : "",
                               server->params_place ? ": " : "", flaw)
                : NULL;
}

/* Of a server's parameters what leads to the database, and no more: the rest may be a password, and
 * in quotes anything may be a part of that. */
static const char *name_of(apr_pool_t *pool, const whk_dialect_t *dialect, const char *params)
{
    static const char *const shown[] = {"host=", "port=", "dbname="};
    char *state;
    char *token;
    const char *name = dialect->driver;
    size_t i;

    if (dialect->is_file)
        return params;
    if (strpbrk(params, "'\"\\"))
        return name;
    for (token = apr_strtok(apr_pstrdup(pool, params), " \t,;", &state); token;
         token = apr_strtok(NULL, " \t,;", &state))
        for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
            if (!strncmp(token, shown[i], strlen(shown[i])))
                name = apr_pstrcat(pool, name, " ", token, NULL);
    return name;
}

static const char *check(apr_pool_t *pool, const whk_httpd_server_t *server)
{
    const char *missing = NULL;
    const char *flaw;

    if (!server->driver)
        missing = "DBDriver sqlite3";
    else if (!server->params)
        missing = "DBDParams /path/of/registry.db";
    if (missing)
        return apr_psprintf(pool, "the configuration names no registry: it needs %s%s%s", missing,
                            server->place ? ", here or in the main server: " : "",
                            server->place ? server->place : "");
    flaw = driver_flaw(pool, server);
    if (!flaw)
        flaw = variable_flaw(pool, server->params_place, "DBDParams", server->params);
    return flaw ? flaw
                : variable_flaw(pool, NULL, "WebhookKeysSecretKeyFile", server->secret_key_file);
}

const char *whk_registry_config_find(apr_pool_t *pool, const whk_httpd_config_t *config,
                                     const char *server, whk_registry_config_t *registry)
{
    const whk_httpd_server_t *chosen;
    const char *flaw = choose(pool, config, server, &chosen);

    if (!flaw)
        flaw = check(pool, chosen);
    if (flaw)
        return flaw;
    registry->dialect = whk_dialect_of(chosen->driver);
    registry->params = chosen->params;
    registry->name = name_of(pool, registry->dialect, chosen->params);
    registry->params_place = chosen->params_place;
    registry->secret_key_file = chosen->secret_key_file;
    registry->user = config->user;
    registry->httpd = config;
    return NULL;
}
