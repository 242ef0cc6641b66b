/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config_check.h"

#include <apr_dbd.h>
#include <apr_file_info.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_dbd.h>

#include "fetch/fetch_settings.h"
#include "httpd/config.h"
#include "httpd/other_directives.h"
#include "httpd/server_state.h"
#include "model/log_number.h"
#include "otp/secret_key_file.h"
#include "store/dialect.h"

APLOG_USE_MODULE(webhook_keys);

/* By which rows of the registry are known to be ours: without it not one of them is good. */
static int check_key(const server_rec *each, server_rec *s, int serves)
{
    int verifies = whk_server_of(each)->verifies || whk_server_of(s)->verifies;

    if ((!serves && !verifies) || whk_config_of_server(each)->secret_key_file)
        return OK;
    ap_log_error(
        APLOG_MARK, APLOG_CRIT, 0, s,
        WHK_LOGNO(0001) "%s needs the secret key by which the rows of the registry are sealed: add "
                        "WebhookKeysSecretKeyFile /path/of/secret.key, the file that whkctl -f "
                        "HTTPD_CONF init makes, to this server or to the main one",
        serves ? "SetHandler " WHK_HANDLER : "WebhookKeysSignature");
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int check_registry(apr_pool_t *ptemp, const server_rec *each, server_rec *s)
{
    whk_other_settings_t others = whk_other_settings_of(each, s);
    const whk_dialect_t *dialect;
    const char *flaw;
    apr_finfo_t info;

    if (check_key(each, s, others.serves) != OK)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (!others.serves)
        return OK;
    if (!others.driver || !others.params) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     WHK_LOGNO(0002) "SetHandler webhook-keys needs a registry, but %s is missing: "
                                     "set DBDriver sqlite3 and DBDParams /path/of/registry.db, or "
                                     "those of another database",
                     others.driver ? "DBDParams" : "DBDriver");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    dialect = whk_dialect_of(others.driver);
    if (!dialect) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     WHK_LOGNO(0003) "DBDriver is \"%s\", but must be " WHK_DRIVERS, others.driver);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    flaw = dialect->params_flaw ? dialect->params_flaw(ptemp, others.params) : NULL;
    if (flaw) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, WHK_LOGNO(0004) "DBDParams must %s", flaw);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (dialect->is_file && apr_stat(&info, others.params, APR_FINFO_TYPE, ptemp) != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     WHK_LOGNO(0005) "DBDParams is \"%s\", but there is no such file: make it with "
                                     "whkctl -f HTTPD_CONF init; until then every request gets 503 "
                                     "store_unavailable",
                     others.params);
    return OK;
}

int whk_config_check_registries(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    server_rec *each;
    int status = OK;

    (void)pconf;
    (void)plog;
    if (!APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     WHK_LOGNO(0006) "mod_webhook_keys needs mod_dbd: add LoadModule dbd_module "
                                     "(a2enmod dbd)");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    /* Beside virtual hosts the main server may have lent them its locations only. */
    if (!s->next)
        return check_registry(ptemp, s, s);
    for (each = s->next; each && status == OK; each = each->next)
        status = check_registry(ptemp, each, s);
    return status;
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
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, WHK_LOGNO(0007) "WebhookKeysSecretKeyFile: %s",
                 flaw);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int check_ca_file(apr_pool_t *ptemp, server_rec *s)
{
    const char *file = whk_config_of_server(s)->ca_file;
    const char *flaw = file ? whk_fetch_ca_file_flaw(file, ptemp) : NULL;

    if (!flaw)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                 WHK_LOGNO(0008) "WebhookKeysCAFile is \"%s\", but must %s", file, flaw);
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
