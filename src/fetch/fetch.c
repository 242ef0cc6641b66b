/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch.h"

#include <apr_strings.h>
#include <string.h>

#include "fetch/address_guard.h"
#include "fetch/curl_pool.h"
#include "fetch/transfer.h"
#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/log_number.h"

struct whk_fetcher_t {
    whk_fetch_settings_t settings;
    whk_curl_pool_t *handles;
};

apr_status_t whk_fetcher_create(whk_fetcher_t **fetcher, const whk_fetch_settings_t *settings,
                                apr_pool_t *pool)
{
    whk_fetcher_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status = whk_curl_pool_create(&made->handles, pool);

    if (status)
        return status;
    made->settings = *settings;
    made->settings.ca_file = apr_pstrdup(pool, settings->ca_file);
    made->settings.proxy = apr_pstrdup(pool, settings->proxy);
    *fetcher = made;
    return APR_SUCCESS;
}

/** Hide how long the resolver took, within a step and the time that a fetch may take. */
static void wait_for_step(const whk_transfer_t *transfer, apr_time_t started)
{
    apr_interval_time_t spent = whk_clock_now() - started;
    apr_interval_time_t until = (spent / WHK_REFUSAL_STEP + 1) * WHK_REFUSAL_STEP;

    if (until > transfer->settings->timeout)
        until = transfer->settings->timeout;
    if (until > spent)
        apr_sleep(until - spent);
}

/** The one answer for whatever may not be reached: its message is the code's own. */
static const whk_outcome_t *refuse_host(const whk_transfer_t *transfer, const char *reason)
{
    return whk_fail(transfer->response.pool, WHK_JWKS_URI_REFUSED,
                    WHK_LOGNO(0300) "a jwksUri on host %s was refused: %s",
                    transfer->uri->host.name, reason);
}

static const whk_outcome_t *refuse_address(const whk_transfer_t *transfer)
{
    return refuse_host(transfer, apr_psprintf(transfer->response.pool,
                                              "it has the address %s, which is in %s; "
                                              "WebhookKeysJwksUriAllow names exceptions",
                                              transfer->refused_address, transfer->refusal));
}

static const whk_outcome_t *unreachable(const whk_transfer_t *transfer, const char *what)
{
    return whk_refuse(transfer->response.pool, WHK_JWKS_URI_UNREACHABLE,
                      "no JWK Set could be fetched from jwksUri: %s", what);
}

/** Faults that are ours, whatever the URI: for the operator to fix. */
static const char *operator_fault(const whk_transfer_t *transfer, CURLcode code)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
    case CURLE_SSL_ENGINE_INITFAILED:
        return "libcurl can't be used as this module needs it";
    case CURLE_SSL_CACERT_BADFILE:
        return "the file of trusted CA certificates can't be read: see WebhookKeysCAFile";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "the proxy's name does not resolve: see WebhookKeysProxy";
    case CURLE_COULDNT_CONNECT:
        return transfer->settings->proxy && !whk_transfer_proxy_status(transfer)
                   ? "the proxy can't be connected to: see WebhookKeysProxy"
                   : NULL;
    default:
        return NULL;
    }
}

static const char *explain_code(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return "its server can't be connected to";
    case CURLE_OPERATION_TIMEDOUT:
        return "its server did not answer in time";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its server's certificate is not valid: it must be in date, name the host and be "
               "signed, with all intermediate certificates sent, by an authority known here";
    case CURLE_SSL_CONNECT_ERROR:
        return "no TLS connection could be made: its server must speak TLS 1.2 or newer";
    case CURLE_BAD_CONTENT_ENCODING:
        return "its server sent a broken Content-Encoding: send gzip, or none";
    default:
        return "its server broke off, or did not answer as HTTP asks for";
    }
}

/** What went wrong with an origin that was reached. NULL: nothing. */
static const whk_outcome_t *check_response(const whk_transfer_t *transfer, CURLcode code)
{
    const whk_response_t *response = &transfer->response;

    if (response->is_too_large)
        return unreachable(transfer, apr_psprintf(response->pool,
                                                  "its answer is larger than %" APR_SIZE_T_FMT
                                                  " bytes after decompression, or its headers are "
                                                  "too long",
                                                  response->max_bytes));
    if (response->status == 304 && transfer->if_none_match && !code)
        return NULL;
    if (response->status / 100 == 3)
        return unreachable(transfer, "its server redirects, and redirects are not followed: "
                                     "register the URI that answers 200");
    if (response->status >= 200 && response->status != 200)
        return unreachable(transfer, apr_psprintf(response->pool,
                                                  "its server answered with status %d, not 200",
                                                  response->status));
    if (code || response->status != 200)
        return unreachable(transfer, explain_code(code));
    return NULL;
}

/** Why no permitted address was tried: for the operator alone. */
static const char *explain_no_way(const whk_transfer_t *transfer, CURLcode code)
{
    long status = whk_transfer_proxy_status(transfer);

    if (status)
        return apr_psprintf(transfer->response.pool, "the proxy answered with status %ld", status);
    return curl_easy_strerror(code);
}

static const whk_outcome_t *broken_off(const whk_transfer_t *transfer)
{
    return whk_fail(
        transfer->response.pool, WHK_TOO_BUSY,
        WHK_LOGNO(0301) "the fetch of a jwksUri was broken off, since this process ends");
}

static const whk_outcome_t *outcome_of(const whk_transfer_t *transfer, CURLcode code)
{
    const char *fault = operator_fault(transfer, code);

    if (transfer->refusal)
        return refuse_address(transfer);
    if (code && whk_transfer_is_stopped(transfer))
        return broken_off(transfer);
    if (fault)
        return whk_fail(transfer->response.pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0302) "%s (%s)",
                        fault, curl_easy_strerror(code));
    if (!whk_transfer_reached_origin(transfer))
        return refuse_host(transfer, explain_no_way(transfer, code));
    return check_response(transfer, code);
}

/** RFC 6761 section 6.3. Through a proxy it would be the proxy's own services. */
static int is_localhost(const char *name)
{
    apr_size_t length = strlen(name), suffix = strlen(".localhost");

    return !strcmp(name, "localhost") ||
           (length > suffix && !strcmp(name + length - suffix, ".localhost"));
}

/** What can be refused by its spelling, also where a proxy connects. */
static const whk_outcome_t *check_spelling(const whk_transfer_t *transfer)
{
    const whk_fetch_settings_t *settings = transfer->settings;
    const whk_host_t *host = &transfer->uri->host;
    const char *refusal;

    if (host->is_address) {
        refusal = whk_address_refusal((const void *)&host->address, host->name, settings->allowed);
        return refusal ? refuse_host(transfer, refusal) : NULL;
    }
    if (settings->proxy && is_localhost(host->name) &&
        !whk_allow_list_has_host(settings->allowed, host->name))
        return refuse_host(transfer, "it names the machine of the proxy, RFC 6761");
    return NULL;
}

/** A name is looked up and all its addresses are checked before anything is sent to one of them. */
static const whk_outcome_t *check_name(whk_transfer_t *transfer)
{
    const whk_fetch_settings_t *settings = transfer->settings;
    CURLcode code;

    if (settings->proxy || transfer->uri->host.is_address)
        return NULL;
    code = whk_transfer_check_addresses(transfer, settings->connect_timeout);
    if (code == CURLE_COULDNT_CONNECT && transfer->permitted && !transfer->refusal)
        return NULL;
    transfer->permitted = 0;
    return outcome_of(transfer, code);
}

static const whk_outcome_t *fetch(whk_transfer_t *transfer, apr_time_t started)
{
    const whk_fetch_settings_t *settings = transfer->settings;
    const whk_outcome_t *outcome = check_name(transfer);

    if (!outcome) {
        apr_interval_time_t spent = whk_clock_now() - started;
        CURLcode code;

        if (whk_transfer_is_stopped(transfer))
            return broken_off(transfer);
        code = whk_transfer_perform(transfer, settings->connect_timeout - spent,
                                    settings->timeout - spent);

        outcome = outcome_of(transfer, code);
    }
    if (outcome && outcome->code == WHK_JWKS_URI_REFUSED)
        wait_for_step(transfer, started);
    return outcome;
}

static void count(const whk_transfer_t *transfer, const whk_outcome_t *outcome,
                  apr_interval_time_t spent)
{
    int result = !outcome ? transfer->response.status == 304 ? WHK_FETCH_NOT_MODIFIED : WHK_FETCH_OK
                 : outcome->code == WHK_JWKS_URI_REFUSED ? WHK_FETCH_REFUSED
                                                         : WHK_FETCH_UNREACHABLE;

    whk_metrics_count(WHK_FETCHES, result, 0);
    whk_metrics_observe(WHK_FETCH_DURATION, 0, spent);
}

static void fill(whk_fetched_t *result, const whk_response_t *response)
{
    memset(result, 0, sizeof(*result));
    result->not_modified = response->status == 304;
    result->etag = response->etag;
    result->date = response->is_aged ? 0 : response->date;
    result->max_age = whk_response_max_age(response);
    if (!result->not_modified) {
        result->body = response->body ? response->body : "";
        result->length = response->length;
    }
}

const whk_outcome_t *whk_fetch(whk_fetcher_t *fetcher, const char *uri, const char *if_none_match,
                               const volatile apr_uint32_t *stop, whk_fetched_t *result,
                               apr_pool_t *pool)
{
    apr_time_t started = whk_clock_now();
    whk_transfer_t transfer = {.settings = &fetcher->settings, .stop = stop};
    whk_jwks_uri_t *parsed;
    const whk_outcome_t *outcome;

    WHK_TRY(whk_jwks_uri_parse(&parsed, uri, fetcher->settings.allowed, pool));
    transfer.uri = parsed;
    if (if_none_match && whk_response_is_etag(if_none_match))
        transfer.if_none_match = if_none_match;
    whk_response_init(&transfer.response, fetcher->settings.max_bytes, pool);
    WHK_TRY(check_spelling(&transfer));

    transfer.curl = whk_curl_pool_acquire(fetcher->handles);
    if (!transfer.curl)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0303) "libcurl has no memory for a fetch");
    outcome = fetch(&transfer, started);
    count(&transfer, outcome, whk_clock_now() - started);
    if (!outcome)
        fill(result, &transfer.response);
    whk_curl_pool_release(fetcher->handles, transfer.curl, !outcome);
    return outcome;
}
