/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/handler.h"

#include <httpd.h>

#include <apr_strings.h>

#include "httpd/api/api_request.h"
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

/* Each resource gives the value to respond with. */

static const whk_outcome_t *list_keys(request_rec *r, const whk_api_request_t *request,
                                      json_t **value)
{
    whk_page_t page;
    const char *status;

    WHK_TRY(whk_list_query_read(r, &page, &status));
    WHK_TRY(whk_list_keys(whk_request_registry(r), request->caller, status, &page));
    *value = whk_key_page_json(&page, r->pool);
    return NULL;
}

static const whk_outcome_t *list_events(request_rec *r, const whk_api_request_t *request,
                                        json_t **value)
{
    whk_page_t page;

    WHK_TRY(whk_list_query_read(r, &page, NULL));
    WHK_TRY(whk_list_events(whk_request_registry(r), request->caller, &page));
    *value = whk_event_page_json(&page, r->pool);
    return NULL;
}

static const whk_outcome_t *get_key(request_rec *r, const whk_api_request_t *request,
                                    json_t **value)
{
    whk_key_t *key;

    WHK_TRY(whk_get_key(whk_request_registry(r), request->caller, request->route.key_id, &key));
    *value = whk_key_json(key, r->pool);
    return NULL;
}

static const whk_outcome_t *verify_jws(request_rec *r, const whk_api_request_t *request,
                                       json_t **value)
{
    whk_jws_verification_t verification;
    const char *body;
    apr_size_t length;

    WHK_TRY(whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length));
    WHK_TRY(whk_verify_jws(whk_request_registry(r), request->caller, request->route.key_id, body,
                           length, &verification));
    *value = whk_jws_verification_json(&verification);
    return NULL;
}

static const whk_outcome_t *get_jwk_set(request_rec *r, const whk_api_request_t *request,
                                        json_t **value)
{
    json_t *set;

    WHK_TRY(whk_jwk_set(whk_request_registry(r), request->caller, &set));
    *value = json_incref(set);
    return NULL;
}

static const whk_outcome_t *revoke_key(request_rec *r, const whk_api_request_t *request,
                                       json_t **value)
{
    whk_key_t *key;

    WHK_TRY(whk_revoke_key(whk_request_registry(r), request->caller, request->route.key_id, &key));
    *value = whk_key_revoked_json(key, r->pool);
    return NULL;
}

static const whk_outcome_t *register_key(request_rec *r, const whk_api_request_t *request,
                                         json_t **value)
{
    whk_registry_t *registry = whk_request_registry(r);
    whk_key_t *key;
    const char *body;
    apr_size_t length;
    const whk_outcome_t *unread = whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length);

    if (unread)
        return whk_register_unread(registry, request->caller, unread);
    WHK_TRY(whk_register_key(registry, request->caller, body, length, &key));
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, request->route.raw_path, "/",
                               ap_escape_path_segment(r->pool, key->key_id), NULL));
    *value = whk_key_created_json(key, r->pool);
    return NULL;
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

static int is_registration(const request_rec *r, const whk_api_request_t *request)
{
    return request->route.resource == WHK_ROUTE_KEYS && r->method_number == M_POST;
}

static const whk_outcome_t *serve(request_rec *r, const whk_api_request_t *request, json_t **value)
{
    switch (request->route.resource) {
    case WHK_ROUTE_KEYS:
        return is_registration(r, request) ? register_key(r, request, value)
                                           : list_keys(r, request, value);
    case WHK_ROUTE_KEY:
        return r->method_number == M_DELETE ? revoke_key(r, request, value)
                                            : get_key(r, request, value);
    case WHK_ROUTE_VERIFY:
        return verify_jws(r, request, value);
    case WHK_ROUTE_JWKS:
        return get_jwk_set(r, request, value);
    case WHK_ROUTE_EVENTS:
        return list_events(r, request, value);
    case WHK_ROUTE_NONE:
        break; /* refused by whk_api_request_check_route() */
    }
    return whk_refuse(r->pool, WHK_NOT_FOUND, "%s", whk_code_message(WHK_NOT_FOUND));
}

int whk_api_handler(request_rec *r)
{
    const whk_api_request_t *request;
    const whk_outcome_t *outcome;
    json_t *value = NULL;

    if (!r->handler || strcmp(r->handler, WHK_HANDLER) != 0)
        return DECLINED;
    request = whk_api_request_of(r);
    outcome = whk_api_request_check_route(r);
    if (!outcome && r->method_number == M_OPTIONS)
        return whk_api_respond_options(r, whk_route_allow(request->route.resource));
    if (!outcome)
        outcome = check_caller(r, request);
    if (!outcome)
        outcome = serve(r, request, &value);
    if (outcome)
        return whk_api_respond_error(r, outcome);
    if (request->route.resource == WHK_ROUTE_JWKS)
        return whk_api_respond_cacheable(r, value, whk_config_of(r)->jwks_max_age);
    return whk_api_respond(r, is_registration(r, request) ? HTTP_CREATED : HTTP_OK, value);
}
