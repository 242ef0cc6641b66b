/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/transfer.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "fetch/address_guard.h"
#include "model/version.h"

/** Framing and compression may add this much to a body on its way. */
#define WIRE_SLACK 4096

#define KEPT_CONNECTIONS 2L

/* Failing to set one option must not leave the transfer without it. */
#define SET(option, value) (failures += curl_easy_setopt(curl, option, value) != CURLE_OK)

static void spell_address(const struct sockaddr *address, char *spelled, socklen_t size)
{
    const void *bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;

    if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!inet_ntop(address->sa_family, bytes, spelled, size))
        apr_cpystrn(spelled, "?", size);
}

/** The door: libcurl asks here for every socket, with the address that it is about to connect. */
static curl_socket_t open_socket(void *baton, curlsocktype purpose, struct curl_sockaddr *address)
{
    whk_transfer_t *transfer = baton;
    const whk_fetch_settings_t *settings = transfer->settings;
    const char *refusal = NULL;

    if (purpose != CURLSOCKTYPE_IPCXN || transfer->refusal)
        return CURL_SOCKET_BAD;
    if (!settings->proxy)
        refusal = whk_address_refusal(&address->addr, transfer->uri->host.name, settings->allowed);
    if (refusal) {
        transfer->refusal = refusal;
        spell_address(&address->addr, transfer->refused_address, sizeof(transfer->refused_address));
        return CURL_SOCKET_BAD;
    }
    transfer->permitted++;
    if (transfer->check_only)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int whk_transfer_is_stopped(const whk_transfer_t *transfer)
{
    return transfer->stop && *transfer->stop;
}

/** Stop once the caller wants it, once an address was refused, and once more came than a body can
 * need on its way: compressed data may be endless and yet decompress to nothing. */
static int watch(void *baton, curl_off_t expected, curl_off_t received, curl_off_t to_send,
                 curl_off_t sent)
{
    whk_transfer_t *transfer = baton;

    (void)expected;
    (void)to_send;
    (void)sent;
    if (received > (curl_off_t)transfer->response.max_bytes + WIRE_SLACK)
        transfer->response.is_too_large = 1;
    return transfer->refusal || transfer->response.is_too_large ||
           whk_transfer_is_stopped(transfer);
}

static int set_destination(CURL *curl, whk_transfer_t *transfer)
{
    const whk_fetch_settings_t *settings = transfer->settings;
    int failures = 0;

    SET(CURLOPT_CURLU, transfer->uri->parsed);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, transfer->uri->is_http ? "http" : "https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(transfer->uri->is_http ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
    SET(CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS);
#endif
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)apr_time_sec(settings->dns_lifetime));
    SET(CURLOPT_MAXCONNECTS, KEPT_CONNECTIONS);
    /* "" and not NULL: NULL means what the environment says. */
    SET(CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_HTTPPROXYTUNNEL, settings->proxy ? 1L : 0L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return failures;
}

static int set_tls(CURL *curl, const whk_fetch_settings_t *settings)
{
    int failures = 0;

    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    if (settings->ca_file) {
        SET(CURLOPT_CAINFO, settings->ca_file);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAINFO, settings->ca_file);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    return failures;
}

static int set_http(CURL *curl, struct curl_slist *headers)
{
    int failures = 0;

    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_HTTPGET, 1L);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_USERAGENT, "mod_webhook_keys/" WHK_VERSION);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_AUTOREFERER, 0L);
    return failures;
}

static int set_limits(CURL *curl, whk_transfer_t *transfer, apr_interval_time_t connect_left,
                      apr_interval_time_t time_left)
{
    int failures = 0;

    SET(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Without it a fetch whose time is up still waits for the resolver. */
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
    /* 0 would mean "no limit". */
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect_left > 1000 ? (long)apr_time_as_msec(connect_left) : 1L);
    SET(CURLOPT_TIMEOUT_MS, time_left > 1000 ? (long)apr_time_as_msec(time_left) : 1L);
    SET(CURLOPT_HEADERFUNCTION, whk_response_header);
    SET(CURLOPT_HEADERDATA, &transfer->response);
    SET(CURLOPT_WRITEFUNCTION, whk_response_body);
    SET(CURLOPT_WRITEDATA, &transfer->response);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, watch);
    SET(CURLOPT_XFERINFODATA, transfer);
    return failures;
}

static apr_status_t free_headers(void *headers)
{
    curl_slist_free_all(headers);
    return APR_SUCCESS;
}

static struct curl_slist *make_headers(const whk_transfer_t *transfer)
{
    apr_pool_t *pool = transfer->response.pool;
    struct curl_slist *headers, *longer;

    headers = curl_slist_append(NULL, "Accept: application/jwk-set+json, application/json");
    if (!headers)
        return NULL;
    /* The first element stays the head of the list. */
    apr_pool_cleanup_register(pool, headers, free_headers, apr_pool_cleanup_null);
    if (!transfer->if_none_match)
        return headers;
    longer = curl_slist_append(headers,
                               apr_pstrcat(pool, "If-None-Match: ", transfer->if_none_match, NULL));
    return longer ? headers : NULL;
}

static CURLcode run(whk_transfer_t *transfer, apr_interval_time_t connect_left,
                    apr_interval_time_t time_left)
{
    CURL *curl = transfer->curl;
    struct curl_slist *headers = make_headers(transfer);

    if (!headers)
        return CURLE_OUT_OF_MEMORY;
    curl_easy_reset(curl);
    if (set_destination(curl, transfer) || set_tls(curl, transfer->settings) ||
        set_http(curl, headers) || set_limits(curl, transfer, connect_left, time_left) ||
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, (long)transfer->check_only))
        return CURLE_FAILED_INIT;
    return curl_easy_perform(curl);
}

CURLcode whk_transfer_check_addresses(whk_transfer_t *transfer, apr_interval_time_t time_left)
{
    CURLcode code;

    transfer->check_only = 1;
    code = run(transfer, time_left, time_left);
    transfer->check_only = 0;
    return code;
}

CURLcode whk_transfer_perform(whk_transfer_t *transfer, apr_interval_time_t connect_left,
                              apr_interval_time_t time_left)
{
    transfer->permitted = 0;
    return run(transfer, connect_left, time_left);
}

long whk_transfer_proxy_status(const whk_transfer_t *transfer)
{
    long status = 0;

    curl_easy_getinfo(transfer->curl, CURLINFO_HTTP_CONNECTCODE, &status);
    return status;
}

int whk_transfer_reached_origin(const whk_transfer_t *transfer)
{
    curl_off_t ready = 0;

    /* Above 0 too where a kept connection was used, and no socket opened. */
    curl_easy_getinfo(transfer->curl, CURLINFO_PRETRANSFER_TIME_T, &ready);
    if (transfer->settings->proxy)
        return ready > 0 || whk_transfer_proxy_status(transfer) / 100 == 2;
    return ready > 0 || transfer->permitted > 0;
}
