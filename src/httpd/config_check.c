/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config_check.h"

#include <apr_dbd.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_dbd.h>

#include "httpd/config.h"
#include "httpd/server.h"

APLOG_USE_MODULE(webhook_keys);

/* What the configuration says of the registry of one server. mod_dbd keeps its own record to
 * itself, so the tree is read. */
typedef struct {
    const char *driver;
    const char *params;
    int serves;   /* some location of the server has SetHandler webhook-keys */
    int verifies; /* or WebhookKeysSignature */
    int has_key;  /* WebhookKeysSecretKeyFile */
} registry_t;

static int is_virtual_host(const ap_directive_t *directive)
{
    return !ap_cstr_casecmp(directive->directive, "<VirtualHost");
}

/* Quoted, it is the same name. */
static int names_handler(const char *args)
{
    apr_size_t length = strlen(WHK_HANDLER);
    int quoted = *args == '"' || *args == '\'';

    return !ap_cstr_casecmpn(args + quoted, WHK_HANDLER, length) &&
           (quoted ? args[length + 1] == *args : args[length] == '\0');
}

static void read_tree(const ap_directive_t *directive, registry_t *registry)
{
    for (; directive; directive = directive->next) {
        if (!ap_cstr_casecmp(directive->directive, "DBDriver"))
            registry->driver = directive->args;
        else if (!ap_cstr_casecmp(directive->directive, "DBDParams"))
            registry->params = directive->args;
        else if (!ap_cstr_casecmp(directive->directive, "SetHandler") &&
                 names_handler(directive->args))
            registry->serves = 1;
        else if (!ap_cstr_casecmp(directive->directive, "WebhookKeysSignature"))
            registry->verifies = 1;
        else if (!ap_cstr_casecmp(directive->directive, "WebhookKeysSecretKeyFile"))
            registry->has_key = 1;
        if (directive->first_child && !is_virtual_host(directive))
            read_tree(directive->first_child, registry);
    }
}

/* By which rows of the registry are known to be ours: without it not one of them is good. */
static int check_key(server_rec *s, const registry_t *registry)
{
    if ((!registry->serves && !registry->verifies) || registry->has_key)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                 "%s needs the secret key by which the rows of the registry are sealed: add "
                 "WebhookKeysSecretKeyFile /path/of/secret.key, the file that whkctl -f HTTPD_CONF "
                 "init makes, to this server or to the main one",
                 registry->serves ? "SetHandler " WHK_HANDLER : "WebhookKeysSignature");
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int check_registry(apr_pool_t *ptemp, server_rec *s, const registry_t *registry)
{
    const char *driver = registry->driver;
    const char *params = registry->params;
    const char *file;
    apr_finfo_t info;

    if (check_key(s, registry) != OK)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (!registry->serves)
        return OK;
    if (!driver || !params) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "SetHandler webhook-keys needs a registry, but %s is missing: set DBDriver "
                     "sqlite3 and DBDParams /path/of/registry.db",
                     driver ? "DBDParams" : "DBDriver");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (strcmp(ap_getword_conf(ptemp, &driver), "sqlite3") != 0) {
        ap_log_error(
            APLOG_MARK, APLOG_CRIT, 0, s,
            "DBDriver is \"%s\", but must be sqlite3: this version keeps its registry there",
            registry->driver);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    file = ap_getword_conf(ptemp, &params);
    if (apr_stat(&info, file, APR_FINFO_TYPE, ptemp) != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "DBDParams is \"%s\", but there is no such file: make it with whkctl -f "
                     "HTTPD_CONF init; until then every request gets 503 store_unavailable",
                     file);
    return OK;
}

int whk_config_check_registries(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    registry_t main_server = {NULL, NULL, 0, 0, 0};
    registry_t registry;
    const ap_directive_t *directive;
    int virtual_hosts = 0;
    int status;

    (void)pconf;
    (void)plog;
    if (!APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "mod_webhook_keys needs mod_dbd: add LoadModule dbd_module (a2enmod dbd)");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    read_tree(ap_conftree, &main_server);
    for (directive = ap_conftree; directive; directive = directive->next) {
        if (!is_virtual_host(directive))
            continue;
        virtual_hosts++;
        registry = main_server;
        read_tree(directive->first_child, &registry);
        status = check_registry(ptemp, s, &registry);
        if (status != OK)
            return status;
    }
    /* Beside virtual hosts the main server may have lent them its locations only. */
    return virtual_hosts ? OK : check_registry(ptemp, s, &main_server);
}

static int load_secret_key(apr_pool_t *pconf, server_rec *s)
{
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);
    const whk_config_t *config = whk_config_of_server(s);
    const char *flaw;

    if (!config->secret_key_file)
        return OK;
    server->secret_key = whk_secret_key_load(pconf, config->secret_key_file, &flaw);
    if (server->secret_key)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "WebhookKeysSecretKeyFile: %s", flaw);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int check_ca_file(apr_pool_t *ptemp, server_rec *s)
{
    const char *file = whk_config_of_server(s)->ca_file;
    const char *flaw = file ? whk_fetch_ca_file_flaw(file, ptemp) : NULL;

    if (!flaw)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "WebhookKeysCAFile is \"%s\", but must %s", file,
                 flaw);
    return HTTP_INTERNAL_SERVER_ERROR;
}

int whk_config_check_files(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    server_rec *each;
    int status = OK;

    (void)plog;
    for (each = s; each && status == OK; each = each->next)
        status = load_secret_key(pconf, each);
    for (each = s; each && status == OK; each = each->next)
        status = check_ca_file(ptemp, each);
    return status;
}
