/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/httpd_errors.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/api/api_request.h"
#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"

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

/* True where httpd asks for an operator's ErrorDocument in the place of a response of ours: it does
 * so for the errors that come before they are disabled. */
static int is_error_document_of_ours(request_rec *r)
{
    return r->prev && r->prev->status >= HTTP_BAD_REQUEST && is_ours(r->prev);
}

int whk_httpd_errors_pre_translate_name(request_rec *r)
{
    /* Refused, so that httpd gives up on the document and answers the first request itself. */
    if (is_error_document_of_ours(r))
        return HTTP_INTERNAL_SERVER_ERROR;
    if (!whk_config_is_ours(r))
        return DECLINED;
    whk_api_request_of(r)->error_documents_disabled = 1;
    whk_error_response_disable_error_documents(r);
    whk_error_response_set_common_headers(r->err_headers_out);
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
    if (r->status == HTTP_FORBIDDEN && !whk_api_request_of(r)->authenticated)
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
    if (outcome->code == WHK_METHOD_NOT_ALLOWED)
        whk_request_of(r)->error.allow = whk_route_allow(whk_api_request_route(r)->resource);
    return outcome;
}

/* mod_authz_core makes a 401 of a denial, and a 500 of a provider that could not decide. Every user
 * who is known and not allowed gets a 403, and a store that is away is a 503: docs/api.md,
 * "Errors". */
static const whk_outcome_t *correct_error(request_rec *r)
{
    const whk_request_t *request = whk_request_of(r);
    const whk_api_request_t *api = whk_api_request_of(r);

    /* mod_authz_core stops where there is an AuthType and no Require, before we are asked. */
    if (r->status == HTTP_INTERNAL_SERVER_ERROR && !request->error.outcome && !api->caller &&
        !ap_some_auth_required(r))
        whk_request_stop(r, whk_api_request_no_caller(r));
    if (request->error.outcome)
        return request->error.outcome;
    if (r->status == HTTP_UNAUTHORIZED && api->authenticated)
        r->status = HTTP_FORBIDDEN;
    return outcome_of_status(r);
}

void whk_httpd_errors_insert_error_filter(request_rec *r)
{
    if ((r->status < HTTP_BAD_REQUEST && r->status != HTTP_MOVED_TEMPORARILY) || !is_ours(r))
        return;
    /* A redirect that nobody can have meant yet: to an ErrorDocument, for a request so wrong that
     * its location was never reached. */
    if (r->status < HTTP_BAD_REQUEST) {
        if (whk_api_request_of(r)->error_documents_disabled)
            return;
        r->status = HTTP_BAD_REQUEST;
    }
    whk_error_response_insert_filter(r, correct_error(r));
}
