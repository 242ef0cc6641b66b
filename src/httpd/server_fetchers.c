/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>

#include <http_config.h>
#include <http_log.h>

#include "httpd/child_shutdown.h"
#include "httpd/config.h"
#include "httpd/fetch_slots.h"
#include "httpd/server_fetchers.h"
#include "httpd/server_state.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

int whk_server_fetchers_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                    server_rec *s)
{
    apr_status_t status = whk_fetch_slots_create(pconf, whk_config_of_server(s)->max_fetches);

    (void)plog;
    (void)ptemp;
    if (status == APR_SUCCESS)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                 WHK_LOGNO(0020) "there is no shared memory for WebhookKeysMaxFetches");
    return HTTP_INTERNAL_SERVER_ERROR;
}

static whk_fetcher_t *make_fetcher(apr_pool_t *pool, server_rec *s, const whk_config_t *config)
{
    whk_fetch_settings_t settings;
    whk_fetcher_t *fetcher = NULL;
    apr_status_t status;

    whk_fetch_settings_default(&settings, pool);
    if (config->jwks_uri_allow)
        settings.allowed = config->jwks_uri_allow;
    settings.timeout = config->jwks_uri_timeout;
    if (settings.connect_timeout > settings.timeout)
        settings.connect_timeout = settings.timeout;
    settings.ca_file = config->ca_file;
    settings.proxy = config->proxy;
    status = whk_fetcher_create(&fetcher, &settings, pool);
    if (status == APR_SUCCESS)
        return fetcher;
    ap_log_error(
        APLOG_MARK, APLOG_ERR, status, s,
        WHK_LOGNO(0021) "no jwksUri can be fetched in this process: libcurl can't be set up");
    return NULL;
}

static int same_settings(const whk_config_t *a, const whk_config_t *b)
{
    return a->jwks_uri_allow == b->jwks_uri_allow && a->jwks_uri_timeout == b->jwks_uri_timeout &&
           a->ca_file == b->ca_file && a->proxy == b->proxy;
}

void whk_server_fetchers_child_init(apr_pool_t *pool, server_rec *s)
{
    const whk_config_t *main_config = whk_config_of_server(s);
    whk_fetcher_t *main_fetcher = make_fetcher(pool, s, main_config);
    server_rec *each;

    whk_fetch_slots_child_init();
    for (each = s; each; each = each->next) {
        const whk_config_t *config = whk_config_of_server(each);
        whk_server_t *server = ap_get_module_config(each->module_config, &webhook_keys_module);

        server->remote.enter = whk_fetch_slots_take;
        server->remote.leave = whk_fetch_slots_release;
        server->remote.stop = whk_shutdown_requests_stopped();
        server->remote.fetcher =
            same_settings(config, main_config) ? main_fetcher : make_fetcher(pool, each, config);
    }
}

const whk_remote_t *whk_server_fetchers_of(const server_rec *s)
{
    return &whk_server_of(s)->remote;
}
