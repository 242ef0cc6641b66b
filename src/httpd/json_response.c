/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/json_response.h"

#include <http_protocol.h>

#include "httpd/body.h"
#include "httpd/error_response.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"

int whk_respond_text(request_rec *r, int status, const char *text)
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

int whk_respond_cacheable_text(request_rec *r, const char *text, const char *etag,
                               const char *cache_control)
{
    int status;

    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_setn(r->headers_out, "Cache-Control", cache_control);
    apr_table_setn(r->headers_out, "ETag", etag);
    status = ap_meets_conditions(r);
    return status == OK ? whk_respond_text(r, HTTP_OK, text) : status;
}

int whk_respond_error(request_rec *r, const whk_outcome_t *outcome)
{
    int status = whk_request_stop(r, outcome);

    whk_error_response_set_headers(r, outcome);
    return whk_respond_text(r, status, whk_error_response_text(r, outcome, status));
}

int whk_respond_options(request_rec *r, const char *allow)
{
    whk_body_discard(r);
    apr_table_setn(r->headers_out, "Allow", allow);
    r->status = HTTP_NO_CONTENT;
    return OK;
}
