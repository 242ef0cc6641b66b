/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/handler.h"

#include <httpd.h>

#include <apr_strings.h>
#include <http_config.h>
#include <http_protocol.h>

#include "httpd/api/api_request.h"
#include "httpd/api/api_response.h"
#include "httpd/api/list_query.h"
#include "httpd/body.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "registry/api_json.h"

static int list_keys(request_rec *r, const whk_api_request_t *request)
{
    whk_page_t page;
    const char *status;
    const whk_outcome_t *outcome = whk_list_query_read(r, &page, &status);

    if (!outcome)
        outcome = whk_list_keys(whk_request_registry(r), request->caller, status, &page);
    return outcome ? whk_api_respond_error(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_key_page_json(&page, r->pool));
}

static int list_events(request_rec *r, const whk_api_request_t *request)
{
    whk_page_t page;
    const whk_outcome_t *outcome = whk_list_query_read(r, &page, NULL);

    if (!outcome)
        outcome = whk_list_events(whk_request_registry(r), request->caller, &page);
    return outcome ? whk_api_respond_error(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_event_page_json(&page, r->pool));
}

static int get_key(request_rec *r, const whk_api_request_t *request)
{
    whk_key_t *key;
    const whk_outcome_t *outcome =
        whk_get_key(whk_request_registry(r), request->caller, request->route.key_id, &key);

    return outcome ? whk_api_respond_error(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_key_json(key, r->pool));
}

static int verify_jws(request_rec *r, const whk_api_request_t *request)
{
    whk_verdict_t verdict;
    const char *body;
    apr_size_t length;
    const whk_outcome_t *outcome =
        whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length);

    if (!outcome)
        outcome = whk_verify_jws(whk_request_registry(r), request->caller, request->route.key_id,
                                 body, length, &verdict);
    return outcome ? whk_api_respond_error(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_verdict_json(&verdict));
}

static int get_jwk_set(request_rec *r, const whk_api_request_t *request)
{
    json_t *set;
    const whk_outcome_t *outcome = whk_jwk_set(whk_request_registry(r), request->caller, &set);

    return outcome ? whk_api_respond_error(r, outcome)
                   : whk_api_respond_cacheable(r, json_incref(set), whk_config_of(r)->jwks_max_age);
}

static int revoke_key(request_rec *r, const whk_api_request_t *request)
{
    whk_key_t *key;
    const whk_outcome_t *outcome =
        whk_revoke_key(whk_request_registry(r), request->caller, request->route.key_id, &key);

    return outcome ? whk_api_respond_error(r, outcome)
                   : whk_api_respond(r, HTTP_OK, whk_key_revoked_json(key, r->pool));
}

static int register_key(request_rec *r, const whk_api_request_t *request)
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
        return whk_api_respond_error(r, outcome);
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, request->route.raw_path, "/",
                               ap_escape_path_segment(r->pool, key->key_id), NULL));
    return whk_api_respond(r, HTTP_CREATED, whk_key_created_json(key, r->pool));
}

/* The handler trusts no configuration to have run the checks before it: without the caller that
 * only they can make, there is no answer. */
static const whk_outcome_t *check_caller(request_rec *r, const whk_api_request_t *request)
{
    if (!request->caller)
        return whk_api_request_no_caller(r);
    if (strcmp(whk_caller_enterprise(request->caller), request->route.enterprise_id) != 0)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        "the caller was authorised for another enterprise than the path names");
    if (whk_route_needs_otp(request->route.resource, r->method_number))
        return whk_caller_check_complete(r->pool, request->caller);
    return NULL;
}

static int serve(request_rec *r, const whk_api_request_t *request)
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

int whk_api_handler(request_rec *r)
{
    const whk_outcome_t *outcome;

    if (!r->handler || strcmp(r->handler, WHK_HANDLER) != 0)
        return DECLINED;
    outcome = whk_api_request_check_route(r);
    if (!outcome && r->method_number == M_OPTIONS)
        return whk_api_respond_options(r, whk_route_allow(whk_api_request_route(r)->resource));
    if (!outcome)
        outcome = check_caller(r, whk_api_request_of(r));
    return outcome ? whk_api_respond_error(r, outcome) : serve(r, whk_api_request_of(r));
}
