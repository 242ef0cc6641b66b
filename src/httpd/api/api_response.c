/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/api_response.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include "httpd/body.h"
#include "httpd/error_response.h"
#include "httpd/request.h"
#include "jose/json.h"
#include "registry/digest.h"

static int send_text(request_rec *r, int status, const char *text)
{
    /* Before the status is set: httpd leaves the body of a 400 unread, and would take what is left
     * of it for the next request. */
    whk_body_discard(r);
    r->status = status;
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, (apr_off_t)strlen(text));
    if (!r->header_only)
        ap_rputs(text, r);
    return OK;
}

static const char *text_of(request_rec *r, json_t *value)
{
    return value ? whk_json_text(r->pool, whk_json_adopt(r->pool, value)) : NULL;
}

static int out_of_memory(request_rec *r)
{
    return whk_api_respond_error(
        r, whk_fail(r->pool, WHK_INTERNAL_ERROR, "out of memory for an answer"));
}

int whk_api_respond(request_rec *r, int status, json_t *value)
{
    const char *text = text_of(r, value);

    return text ? send_text(r, status, apr_pstrcat(r->pool, text, "\n", NULL)) : out_of_memory(r);
}

int whk_api_respond_cacheable(request_rec *r, json_t *value, int max_age)
{
    const char *text = text_of(r, value);
    const char *hash = text ? whk_sha256_hex(r->pool, text, strlen(text)) : NULL;
    int status;

    if (!hash)
        return out_of_memory(r);
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_setn(r->headers_out, "Cache-Control", apr_psprintf(r->pool, "max-age=%d", max_age));
    apr_table_setn(r->headers_out, "ETag", apr_pstrcat(r->pool, "\"", hash, "\"", NULL));
    status = ap_meets_conditions(r);
    return status == OK ? send_text(r, HTTP_OK, apr_pstrcat(r->pool, text, "\n", NULL)) : status;
}

int whk_api_respond_error(request_rec *r, const whk_outcome_t *outcome)
{
    int status = whk_request_stop(r, outcome);

    whk_error_response_set_headers(r, outcome);
    return send_text(r, status, whk_error_response_text(r, outcome, status));
}

int whk_api_respond_options(request_rec *r, const char *allow)
{
    whk_body_discard(r);
    apr_table_setn(r->headers_out, "Allow", allow);
    r->status = HTTP_NO_CONTENT;
    return OK;
}
