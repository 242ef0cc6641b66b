/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/handler.h"

#include <httpd.h>

#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/api/api_response.h"
#include "httpd/api/list_query.h"
#include "httpd/body.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "registry/api_json.h"
#include "registry/authorize.h"
#include "registry/enterprise_jwk_set.h"
#include "registry/jws_verification.h"
#include "registry/key_registration.h"
#include "registry/key_revocation.h"
#include "registry/listing.h"

APLOG_USE_MODULE(webhook_keys);

/* What r->filename is for our paths: nothing that could be looked up, or has an extension. */
#define NO_FILE "webhook-keys:"

static int list_keys(request_rec *r, const whk_request_t *request)
{
    whk_page_t page;
    const char *status;
    const whk_outcome_t *outcome = whk_list_query_read(r, &page, &status);

    if (!outcome)
        outcome = whk_list_keys(whk_request_registry(r), request->caller, status, &page);
    return outcome ? whk_api_respond_outcome(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_key_page_json(&page, r->pool));
}

static int list_events(request_rec *r, const whk_request_t *request)
{
    whk_page_t page;
    const whk_outcome_t *outcome = whk_list_query_read(r, &page, NULL);

    if (!outcome)
        outcome = whk_list_events(whk_request_registry(r), request->caller, &page);
    return outcome ? whk_api_respond_outcome(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_event_page_json(&page, r->pool));
}

static int get_key(request_rec *r, const whk_request_t *request)
{
    whk_key_t *key;
    const whk_outcome_t *outcome =
        whk_get_key(whk_request_registry(r), request->caller, request->route.key_id, &key);

    return outcome ? whk_api_respond_outcome(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_key_json(key, r->pool));
}

static int verify_jws(request_rec *r, const whk_request_t *request)
{
    whk_verdict_t verdict;
    const char *body;
    apr_size_t length;
    const whk_outcome_t *outcome =
        whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length);

    if (!outcome)
        outcome = whk_verify_jws(whk_request_registry(r), request->caller, request->route.key_id,
                                 body, length, &verdict);
    return outcome ? whk_api_respond_outcome(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_verdict_json(&verdict));
}

static int get_jwk_set(request_rec *r, const whk_request_t *request)
{
    json_t *set;
    const whk_outcome_t *outcome = whk_jwk_set(whk_request_registry(r), request->caller, &set);

    return outcome ? whk_api_respond_outcome(r, outcome)
                   : whk_api_respond_cacheable(r, json_incref(set), whk_config_of(r)->jwks_max_age);
}

static int revoke_key(request_rec *r, const whk_request_t *request)
{
    whk_key_t *key;
    const whk_outcome_t *outcome =
        whk_revoke_key(whk_request_registry(r), request->caller, request->route.key_id, &key);

    return outcome ? whk_api_respond_outcome(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_key_revoked_json(key, r->pool));
}

static int register_key(request_rec *r, const whk_request_t *request)
{
    whk_key_t *key;
    const char *body;
    apr_size_t length;
    const whk_outcome_t *outcome =
        whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length);

    outcome = outcome
                  ? whk_register_unread(whk_request_registry(r), request->caller, outcome)
                  : whk_register_key(whk_request_registry(r), request->caller, body, length, &key);
    if (outcome)
        return whk_api_respond_outcome(r, outcome);
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, request->route.raw_path, "/",
                               ap_escape_path_segment(r->pool, key->key_id), NULL));
    return whk_api_respond(r, HTTP_CREATED, whk_key_created_json(key, r->pool));
}

/* The handler trusts no configuration to have run the checks before it: without the caller that
 * only they can make, there is no answer. */
static const whk_outcome_t *check_caller(request_rec *r, const whk_request_t *request)
{
    if (!request->caller)
        return whk_request_nobody_authorized(r);
    if (strcmp(whk_caller_enterprise(request->caller), request->route.enterprise_id) != 0)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        "the caller was authorised for another enterprise than the path names");
    if (whk_route_needs_otp(request->route.resource, r->method_number))
        return whk_caller_check_complete(r->pool, request->caller);
    return NULL;
}

static int serve(request_rec *r, const whk_request_t *request)
{
    switch (request->route.resource) {
    case WHK_ROUTE_KEYS:
        return r->method_number == M_POST ? register_key(r, request) : list_keys(r, request);
    case WHK_ROUTE_KEY:
        return r->method_number == M_DELETE ? revoke_key(r, request) : get_key(r, request);
    case WHK_ROUTE_VERIFY:
        return verify_jws(r, request);
    case WHK_ROUTE_JWKS:
        return get_jwk_set(r, request);
    case WHK_ROUTE_EVENTS:
        return list_events(r, request);
    default:
        return HTTP_NOT_FOUND;
    }
}

static const whk_outcome_t *check_route(request_rec *r, const whk_route_t *route)
{
    if (route->resource == WHK_ROUTE_NONE)
        return whk_refuse(r->pool, WHK_NOT_FOUND, "%s", whk_code_message(WHK_NOT_FOUND));
    if (!whk_route_serves(route->resource, r->method_number))
        return whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED, "this path serves %s",
                          whk_route_allow(route->resource));
    return NULL;
}

int whk_api_handler(request_rec *r)
{
    const whk_route_t *route;
    const whk_outcome_t *outcome;

    if (!r->handler || strcmp(r->handler, WHK_HANDLER) != 0)
        return DECLINED;
    route = whk_request_route(r);
    outcome = check_route(r, route);
    if (outcome)
        return whk_api_respond_outcome(r, outcome);
    if (r->method_number == M_OPTIONS)
        return whk_api_respond_options(r, whk_route_allow(route->resource));
    outcome = check_caller(r, whk_request_of(r));
    return outcome ? whk_api_respond_outcome(r, outcome) : serve(r, whk_request_of(r));
}

/* The path with each encoded slash escaped once more, so that one decoding leaves it encoded. */
static char *escape_slashes(apr_pool_t *pool, const char *path)
{
    char *escaped = apr_palloc(pool, strlen(path) * 2 + 1);
    char *out = escaped;

    while (*path) {
        if (!ap_cstr_casecmpn(path, "%2f", 3)) {
            memcpy(out, "%25", 3);
            out += 3;
            path++;
        }
        *out++ = *path++;
    }
    *out = '\0';
    return escaped;
}

int whk_handler_keep_slashes(request_rec *r)
{
    if (!r->parsed_uri.path || !ap_strcasestr(r->parsed_uri.path, "%2f") || !whk_config_is_ours(r))
        return DECLINED;
    /* httpd decodes the path next, and by AllowEncodedSlashes would refuse or decode these. */
    r->parsed_uri.path = escape_slashes(r->pool, r->parsed_uri.path);
    r->uri = r->parsed_uri.path;
    whk_request_of(r)->kept_slashes = 1;
    return DECLINED;
}

int whk_handler_confine_slashes(request_rec *r)
{
    const whk_request_t *request = ap_get_module_config(r->request_config, &webhook_keys_module);

    return request && request->kept_slashes && !whk_config_is_ours(r) ? HTTP_NOT_FOUND : DECLINED;
}

int whk_handler_translate(request_rec *r)
{
    const whk_outcome_t *outcome;

    if (!whk_config_is_ours(r))
        return DECLINED;
    if (r->method_number == M_TRACE) {
        outcome = check_route(r, whk_request_route(r));
        if (outcome)
            return whk_request_stop(r, outcome);
    }
    r->filename = apr_pstrdup(r->pool, NO_FILE);
    return OK;
}

int whk_handler_map(request_rec *r)
{
    return r->filename && !strcmp(r->filename, NO_FILE) ? OK : DECLINED;
}
