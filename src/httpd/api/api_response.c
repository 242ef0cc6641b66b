/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/api_response.h"

#include <httpd.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "httpd/body.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "jose/json.h"
#include "registry/digest.h"

APLOG_USE_MODULE(webhook_keys);

#define JSON_TYPE "application/json"

static ap_filter_rec_t *error_filter;

static const char *outcome_text(request_rec *r, const whk_outcome_t *outcome, int status)
{
    json_t *json = whk_json_adopt(
        r->pool, json_pack("{s:s, s:s, s:i, s:s}", "code", whk_code_name(outcome->code), "message",
                           outcome->message, "status", status, "requestId", whk_request_of(r)->id));
    const char *text = json ? whk_json_text(r->pool, json) : NULL;

    return text ? apr_pstrcat(r->pool, text, "\n", NULL) : "{\"code\":\"internal_error\"}\n";
}

static void set_common_headers(request_rec *r, apr_table_t *headers)
{
    (void)r;
    apr_table_setn(headers, "Cache-Control", "no-store");
    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
}

static void set_outcome_headers(request_rec *r, const whk_outcome_t *outcome)
{
    const whk_request_t *request = whk_request_of(r);

    if (outcome->retry_after)
        apr_table_setn(r->headers_out, "Retry-After", apr_itoa(r->pool, outcome->retry_after));
    if (outcome->code == WHK_METHOD_NOT_ALLOWED)
        apr_table_setn(r->headers_out, "Allow", whk_route_allow(whk_request_route(r)->resource));
    if (r->status == HTTP_UNAUTHORIZED && request->challenge)
        apr_table_setn(r->headers_out, "WWW-Authenticate", request->challenge);
}

static int send_text(request_rec *r, int status, const char *text)
{
    /* Before the status is set: httpd leaves the body of a 400 unread, and would take what is left
     * of it for the next request. */
    whk_body_discard(r);
    r->status = status;
    ap_set_content_type(r, JSON_TYPE);
    ap_set_content_length(r, (apr_off_t)strlen(text));
    if (!r->header_only)
        ap_rputs(text, r);
    return OK;
}

int whk_api_respond(request_rec *r, int status, json_t *value)
{
    const char *text = value ? whk_json_text(r->pool, whk_json_adopt(r->pool, value)) : NULL;

    if (!text)
        return whk_api_respond_outcome(
            r, whk_fail(r->pool, WHK_INTERNAL_ERROR, "out of memory for an answer"));
    return send_text(r, status, apr_pstrcat(r->pool, text, "\n", NULL));
}

int whk_api_respond_cacheable(request_rec *r, json_t *value, int max_age)
{
    const char *text = value ? whk_json_text(r->pool, whk_json_adopt(r->pool, value)) : NULL;
    const char *hash = text ? whk_sha256_hex(r->pool, text, strlen(text)) : NULL;
    int status;

    if (!hash)
        return whk_api_respond_outcome(
            r, whk_fail(r->pool, WHK_INTERNAL_ERROR, "out of memory for an answer"));
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_setn(r->headers_out, "Cache-Control", apr_psprintf(r->pool, "max-age=%d", max_age));
    apr_table_setn(r->headers_out, "ETag", apr_pstrcat(r->pool, "\"", hash, "\"", NULL));
    status = ap_meets_conditions(r);
    return status == OK ? send_text(r, HTTP_OK, apr_pstrcat(r->pool, text, "\n", NULL)) : status;
}

int whk_api_respond_outcome(request_rec *r, const whk_outcome_t *outcome)
{
    int status = whk_request_stop(r, outcome);

    set_outcome_headers(r, outcome);
    return send_text(r, status, outcome_text(r, outcome, status));
}

int whk_api_respond_options(request_rec *r, const char *allow)
{
    whk_body_discard(r);
    apr_table_setn(r->headers_out, "Allow", allow);
    r->status = HTTP_NO_CONTENT;
    return OK;
}

/* Every status that httpd can answer a request to a location of ours with, bar our own. */
static const int core_statuses[] = {
    HTTP_BAD_REQUEST,
    HTTP_UNAUTHORIZED,
    HTTP_FORBIDDEN,
    HTTP_NOT_FOUND,
    HTTP_METHOD_NOT_ALLOWED,
    HTTP_NOT_ACCEPTABLE,
    HTTP_REQUEST_TIME_OUT,
    HTTP_LENGTH_REQUIRED,
    HTTP_PRECONDITION_FAILED,
    HTTP_REQUEST_ENTITY_TOO_LARGE,
    HTTP_REQUEST_URI_TOO_LARGE,
    HTTP_UNSUPPORTED_MEDIA_TYPE,
    HTTP_RANGE_NOT_SATISFIABLE,
    HTTP_EXPECTATION_FAILED,
    HTTP_MISDIRECTED_REQUEST,
    HTTP_UPGRADE_REQUIRED,
    HTTP_TOO_MANY_REQUESTS,
    HTTP_INTERNAL_SERVER_ERROR,
    HTTP_NOT_IMPLEMENTED,
    HTTP_BAD_GATEWAY,
    HTTP_SERVICE_UNAVAILABLE,
    HTTP_GATEWAY_TIME_OUT,
};

/* The path of a request line that was cut off since it is too long, which httpd does not parse. */
static char *path_of_line(request_rec *r)
{
    const char *start = r->the_request ? strchr(r->the_request, ' ') : NULL;

    return start ? apr_pstrmemdup(r->pool, start + 1, strcspn(start + 1, " ?")) : NULL;
}

/* Errors that come before httpd has found the location, as of a header that is too long: find it.
 */
static int is_ours(request_rec *r)
{
    if (!r->uri)
        r->uri = path_of_line(r);
    if (r->per_dir_config == r->server->lookup_defaults && r->uri && *r->uri == '/' &&
        !whk_config_is_ours(r) && ap_location_walk(r) != OK)
        return 0;
    return whk_config_is_ours(r);
}

/* True where httpd asks for an operator's ErrorDocument in the place of an answer of ours: it does
 * so for the errors that come before the location is claimed. */
static int is_error_document_of_ours(request_rec *r)
{
    return r->prev && r->prev->status >= HTTP_BAD_REQUEST && is_ours(r->prev);
}

void whk_answer_claim_errors(request_rec *r)
{
    apr_size_t i;

    for (i = 0; i < sizeof(core_statuses) / sizeof(core_statuses[0]); i++)
        ap_custom_response(r, core_statuses[i], "");
}

int whk_answer_claim(request_rec *r)
{
    /* Refused, so that httpd gives up on the document and answers the first request itself. */
    if (is_error_document_of_ours(r))
        return HTTP_INTERNAL_SERVER_ERROR;
    if (!whk_config_is_ours(r))
        return DECLINED;
    whk_request_of(r)->claimed = 1;
    whk_answer_claim_errors(r);
    set_common_headers(r, r->err_headers_out);
    return DECLINED;
}

/* What a status of httpd's own means in the words of the API. */
static whk_code_t code_of_status(int status)
{
    switch (status) {
    case HTTP_UNAUTHORIZED:
        return WHK_INVALID_TOKEN;
    case HTTP_FORBIDDEN:
        return WHK_NOT_ENTERPRISE_ADMIN;
    case HTTP_NOT_FOUND:
        return WHK_NOT_FOUND;
    case HTTP_METHOD_NOT_ALLOWED:
        return WHK_METHOD_NOT_ALLOWED;
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return WHK_BODY_TOO_LARGE;
    case HTTP_UNSUPPORTED_MEDIA_TYPE:
        return WHK_UNSUPPORTED_MEDIA_TYPE;
    case HTTP_SERVICE_UNAVAILABLE:
        return WHK_TOO_BUSY;
    default:
        return status >= 500 ? WHK_INTERNAL_ERROR : WHK_INVALID_REQUEST;
    }
}

static const char *message_of_status(request_rec *r)
{
    /* By the address or for want of TLS, before it was asked who it is. */
    if (r->status == HTTP_FORBIDDEN && !whk_request_of(r)->authenticated)
        return "nobody is let in here from there, or not in this way: try https";
    if (code_of_status(r->status) != WHK_INVALID_REQUEST)
        return whk_code_message(code_of_status(r->status));
    return apr_psprintf(r->pool, "httpd could not take this request: %s",
                        ap_get_status_line(r->status) + 4);
}

static const whk_outcome_t *outcome_of_status(request_rec *r)
{
    whk_outcome_t *outcome = apr_pcalloc(r->pool, sizeof(*outcome));

    outcome->code = code_of_status(r->status);
    outcome->message = message_of_status(r);
    outcome->retry_after = outcome->code == WHK_TOO_BUSY ? 1 : 0;
    return outcome;
}

/* mod_authz_core makes a 401 of a denial, and a 500 of a provider that could not decide. The
 * API has a 403 for every user who is known and not allowed, and a 503 for a store that is away:
 * docs/api.md, "Errors". */
static void settle_status(request_rec *r, whk_request_t *request)
{
    /* mod_authz_core stops where there is an AuthType and no Require, before we are asked. */
    if (r->status == HTTP_INTERNAL_SERVER_ERROR && !request->outcome && !request->caller &&
        !ap_some_auth_required(r))
        whk_request_stop(r, whk_request_nobody_authorized(r));
    if (request->outcome)
        r->status = request->status;
    else if (r->status == HTTP_UNAUTHORIZED && request->authenticated)
        r->status = HTTP_FORBIDDEN;
    r->status_line = NULL;
    if (r->status != HTTP_UNAUTHORIZED || request->challenge) {
        apr_table_unset(r->headers_out, "WWW-Authenticate");
        apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    }
}

/* Of a location that is not ours, but lets only signed webhooks through; or httpd answers with the
 * status of a subrequest that was stopped there. */
static int is_stopped_webhook(request_rec *r)
{
    whk_request_t *request = ap_get_module_config(r->request_config, &webhook_keys_module);

    if (!request || request->stopped_webhook)
        return request != NULL;
    if (!request->inner.outcome || request->inner.status != r->status)
        return 0;
    request->stopped_webhook = 1;
    request->outcome = request->inner.outcome;
    request->status = request->inner.status;
    request->challenge = request->inner.challenge;
    return 1;
}

void whk_answer_insert_error_filter(request_rec *r)
{
    if (r->status < HTTP_BAD_REQUEST && r->status != HTTP_MOVED_TEMPORARILY)
        return;
    if (!is_stopped_webhook(r) && !is_ours(r))
        return;
    /* A redirect that nobody can have meant yet: to an ErrorDocument, for a request so wrong that
     * its location was never reached. */
    if (r->status < HTTP_BAD_REQUEST) {
        if (whk_request_of(r)->claimed)
            return;
        r->status = HTTP_BAD_REQUEST;
    }
    settle_status(r, whk_request_of(r));
    ap_add_output_filter_handle(error_filter, NULL, r, r->connection);
}

static apr_bucket *make_answer(request_rec *r, apr_bucket_alloc_t *allocator)
{
    const whk_request_t *request = whk_request_of(r);
    const whk_outcome_t *outcome = request->outcome ? request->outcome : outcome_of_status(r);
    const char *text = outcome_text(r, outcome, r->status);

    ap_set_content_type(r, JSON_TYPE);
    r->content_encoding = NULL;
    apr_table_unset(r->headers_out, "Location");
    set_common_headers(r, r->headers_out);
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_unset(r->err_headers_out, "X-Content-Type-Options");
    set_outcome_headers(r, outcome);
    ap_set_content_length(r, (apr_off_t)strlen(text));
    return apr_bucket_pool_create(text, strlen(text), r->pool, allocator);
}

/* Drops whatever body comes along, and sends ours in its place at the end. */
static apr_status_t replace_body(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);
    int at_end = 0;

    while (bucket != APR_BRIGADE_SENTINEL(brigade)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);

        if (APR_BUCKET_IS_EOS(bucket)) {
            APR_BUCKET_INSERT_BEFORE(bucket, make_answer(filter->r, filter->c->bucket_alloc));
            at_end = 1;
        } else if (!APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
        } else if (APR_BUCKET_IS_FLUSH(bucket)) {
            apr_bucket_delete(bucket);
        }
        bucket = next;
    }
    if (!at_end && APR_BRIGADE_EMPTY(brigade))
        return APR_SUCCESS;
    if (at_end)
        ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

void whk_answer_register_filter(void)
{
    error_filter =
        ap_register_output_filter("WEBHOOK_KEYS_ERROR", replace_body, NULL, AP_FTYPE_CONTENT_SET);
}
