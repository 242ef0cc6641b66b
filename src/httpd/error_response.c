/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/error_response.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "httpd/request.h"
#include "jose/json.h"

static ap_filter_rec_t *error_filter;

const char *whk_error_response_text(request_rec *r, const whk_outcome_t *outcome, int status)
{
    json_t *json = whk_json_adopt(
        r->pool, json_pack("{s:s, s:s, s:i, s:s}", "code", whk_code_name(outcome->code), "message",
                           outcome->message, "status", status, "requestId", whk_request_of(r)->id));
    const char *text = json ? whk_json_text(r->pool, json) : NULL;

    return text ? apr_pstrcat(r->pool, text, "\n", NULL) : "{\"code\":\"internal_error\"}\n";
}

void whk_error_response_set_common_headers(apr_table_t *headers)
{
    apr_table_setn(headers, "Cache-Control", "no-store");
    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
}

void whk_error_response_set_headers(request_rec *r, const whk_outcome_t *outcome)
{
    const whk_error_t *error = &whk_request_of(r)->error;

    if (outcome->retry_after)
        apr_table_setn(r->headers_out, "Retry-After", apr_itoa(r->pool, outcome->retry_after));
    if (outcome->code == WHK_METHOD_NOT_ALLOWED)
        apr_table_setn(r->headers_out, "Allow", error->allow ? error->allow : "");
    if (r->status == HTTP_UNAUTHORIZED && error->challenge)
        apr_table_setn(r->headers_out, "WWW-Authenticate", error->challenge);
    if (r->status == HTTP_UNAUTHORIZED && error->accept_signature)
        apr_table_setn(r->headers_out, "Accept-Signature", error->accept_signature);
}

/* Every status of an error response to a request to a location of ours. */
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

void whk_error_response_disable_error_documents(request_rec *r)
{
    apr_size_t i;

    for (i = 0; i < sizeof(core_statuses) / sizeof(core_statuses[0]); i++)
        ap_custom_response(r, core_statuses[i], "");
}

void whk_error_response_insert_filter(request_rec *r, const whk_outcome_t *outcome)
{
    const whk_error_t *error = &whk_request_of(r)->error;

    if (error->outcome)
        r->status = error->status;
    whk_request_of(r)->answered = outcome;
    r->status_line = NULL;
    if (r->status != HTTP_UNAUTHORIZED || error->challenge) {
        apr_table_unset(r->headers_out, "WWW-Authenticate");
        apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    }
    ap_add_output_filter_handle(error_filter, (void *)outcome, r, r->connection);
}

static apr_bucket *make_content(ap_filter_t *filter)
{
    request_rec *r = filter->r;
    const whk_outcome_t *outcome = filter->ctx;
    const char *text = whk_error_response_text(r, outcome, r->status);

    ap_set_content_type(r, "application/json");
    r->content_encoding = NULL;
    apr_table_unset(r->headers_out, "Location");
    whk_error_response_set_common_headers(r->headers_out);
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_unset(r->err_headers_out, "X-Content-Type-Options");
    whk_error_response_set_headers(r, outcome);
    ap_set_content_length(r, (apr_off_t)strlen(text));
    return apr_bucket_pool_create(text, strlen(text), r->pool, filter->c->bucket_alloc);
}

/* Drops whatever body comes along, and sends ours in its place at the end. */
static apr_status_t replace_body(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);
    int at_end = 0;

    while (bucket != APR_BRIGADE_SENTINEL(brigade)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);

        if (APR_BUCKET_IS_EOS(bucket)) {
            APR_BUCKET_INSERT_BEFORE(bucket, make_content(filter));
            at_end = 1;
        } else if (!APR_BUCKET_IS_METADATA(bucket) || APR_BUCKET_IS_FLUSH(bucket)) {
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

void whk_error_response_register_filter(void)
{
    error_filter =
        ap_register_output_filter("WEBHOOK_KEYS_ERROR", replace_body, NULL, AP_FTYPE_CONTENT_SET);
}
