/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/sent_request.h"

#include <apr_dso.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <http_config.h>
#include <mod_proxy.h>

#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/webhook_message.h"
#include "httpd/webhook/webhook_request.h"

/* mod_proxy's own function that takes a hook. */
typedef void add_scheme_handler_t(proxy_HOOK_scheme_handler_t *handler, const char *const *before,
                                  const char *const *after, int order);

static const module *mod_proxy;
static whk_sent_request_hook_t *next_hook;

#define PROXY "proxy:"

/* The Host that mod_proxy_http sends: of a port it leaves out 80 alone, whatever the scheme is. */
static const char *host_of(const char *url, apr_pool_t *pool)
{
    const char *host;
    apr_uri_t uri;

    if (apr_uri_parse(pool, url, &uri) != APR_SUCCESS || !uri.hostname)
        return NULL;
    host =
        strchr(uri.hostname, ':') ? apr_pstrcat(pool, "[", uri.hostname, "]", NULL) : uri.hostname;
    return uri.port_str && uri.port != DEFAULT_HTTP_PORT
               ? apr_pstrcat(pool, host, ":", uri.port_str, NULL)
               : host;
}

static int preserves_host(const request_rec *r)
{
    const proxy_dir_conf *config =
        mod_proxy ? ap_get_module_config(r->per_dir_config, mod_proxy) : NULL;

    return config && config->preserve_host;
}

/* As https, http, or NULL for what speaks no HTTP. */
static const char *scheme_of(const char *url)
{
    static const char *const rows[][2] = {
        {"http:", "http"}, {"https:", "https"}, {"h2c:", "http"}, {"h2:", "https"}};
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!ap_cstr_casecmpn(url, rows[i][0], strlen(rows[i][0])))
            return rows[i][1];
    return NULL;
}

/* mod_proxy_http2 takes Host out of the request, so it is remembered with the URL. */
static void remember(request_rec *r, const char *url)
{
    whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);
    const char *host;

    if (!webhook)
        return;
    host = preserves_host(r) ? apr_table_get(r->headers_in, "Host") : host_of(url, r->pool);
    webhook->sent_url = apr_pstrdup(r->pool, url);
    if (host || !webhook->sent_host)
        webhook->sent_host = host ? apr_pstrdup(r->pool, host) : r->server->server_hostname;
}

static int scheme_handler(request_rec *r, proxy_worker *worker, proxy_server_conf *config,
                          char *url, const char *proxy_host, apr_port_t proxy_port)
{
    (void)worker;
    (void)config;
    (void)proxy_host;
    (void)proxy_port;
    remember(r, url);
    return next_hook ? next_hook(r, url) : DECLINED;
}

/* By name, since a module that refers to mod_proxy is not loaded without it. */
static add_scheme_handler_t *find_hook(void)
{
    apr_dso_handle_sym_t symbol = NULL;

    if (!mod_proxy || !mod_proxy->dynamic_load_handle ||
        apr_dso_sym(&symbol, mod_proxy->dynamic_load_handle, "proxy_hook_scheme_handler") !=
            APR_SUCCESS)
        return NULL;
    return (add_scheme_handler_t *)symbol;
}

int whk_sent_request_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    add_scheme_handler_t *add;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    next_hook = NULL;
    mod_proxy = ap_find_linked_module("mod_proxy.c");
    add = find_hook();
    if (add)
        add(scheme_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
    else
        mod_proxy = NULL;
    return OK;
}

void whk_sent_request_set_hook(whk_sent_request_hook_t *hook)
{
    next_hook = hook;
}

int whk_sent_request_knows_proxy(void)
{
    return mod_proxy != NULL;
}

void whk_sent_request_expect(request_rec *r)
{
    whk_webhook_request_of(r);
}

static int begins(const char *text, const char *start)
{
    return text && !strncmp(text, start, strlen(start));
}

int whk_sent_request_is_proxied(const request_rec *r)
{
    return (r->proxyreq && begins(r->filename, PROXY)) || begins(r->handler, PROXY);
}

/* ---- the message ---- */

typedef struct {
    apr_table_t *headers;
    const char *host;
} fields_t;

static int add_value(void *values, const char *name, const char *value)
{
    (void)name;
    APR_ARRAY_PUSH((apr_array_header_t *)values, const char *) = value;
    return 1;
}

static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *pool)
{
    const fields_t *fields = baton;
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(const char *));

    if (!ap_cstr_casecmp(name, "Host"))
        APR_ARRAY_PUSH(values, const char *) = fields->host;
    else
        apr_table_do(add_value, values, fields->headers, name, NULL);
    return values;
}

/* Until mod_proxy says better: the URL that it was given. */
static const char *url_of(const request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

    if (webhook && webhook->sent_url)
        return webhook->sent_url;
    return r->proxyreq && begins(r->filename, PROXY) ? r->filename + strlen(PROXY) : NULL;
}

static const char *sent_host(request_rec *r, const char *url)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);
    const char *host = webhook && webhook->sent_url ? webhook->sent_host : NULL;

    if (!host && preserves_host(r))
        host = apr_table_get(r->headers_in, "Host");
    if (!host)
        host = host_of(url, r->pool);
    return host ? host : "";
}

/* Its path, query and whatever follows, byte for byte. */
static const char *target_of(const char *url, apr_pool_t *pool)
{
    const char *authority = strstr(url, "://");
    const char *target = authority ? authority + 3 + strcspn(authority + 3, "/?#") : "/";

    return *target == '/' ? target : apr_pstrcat(pool, "/", target, NULL);
}

void whk_sent_request_message(request_rec *r, whk_message_t *message)
{
    request_rec *initial = whk_initial_request(r);
    const whk_captured_body_t *body = r->main ? NULL : whk_captured_body_if_read(initial);
    fields_t *fields = apr_pcalloc(r->pool, sizeof(*fields));
    const char *url = url_of(r);
    const char *scheme = url ? scheme_of(url) : NULL;

    whk_webhook_message(initial, r->headers_in, body, message);
    message->method = r->method;
    fields->headers = r->headers_in;
    fields->host = apr_table_get(r->headers_in, "Host");
    if (scheme) {
        fields->host = sent_host(r, url);
        message->scheme = scheme;
        message->authority = whk_webhook_authority(fields->host, scheme, r->pool);
        message->target = target_of(url, r->pool);
    }
    /* By AJP goes the path of the URL, with the Host that came. */
    if (url && !ap_cstr_casecmpn(url, "ajp:", strlen("ajp:")))
        message->target = target_of(url, r->pool);
    if (!fields->host)
        fields->host = message->authority;
    message->field = field;
    message->baton = fields;
}
