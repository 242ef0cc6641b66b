/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/handler.h"

#include <httpd.h>

#include <apr_strings.h>

#include "httpd/api/api_request.h"
#include "httpd/api/api_response.h"
#include "httpd/api/idempotency_hook.h"
#include "httpd/api/list_query.h"
#include "httpd/api/openapi.h"
#include "httpd/body.h"
#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/request.h"
#include "model/log_number.h"
#include "registry/api_json.h"
#include "registry/authorize.h"
#include "registry/digest.h"
#include "registry/enterprise_jwk_set.h"
#include "registry/idempotency.h"
#include "registry/jws_verification.h"
#include "registry/key_registration.h"
#include "registry/key_revocation.h"
#include "registry/listing.h"
#include "registry/planned_revocation.h"

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

/* How long a set may be kept: not beyond the time at which one of its keys goes. */
static int max_age_until(apr_time_t until, int max_age)
{
    apr_interval_time_t left = until ? until - apr_time_now() : apr_time_from_sec(max_age);

    if (left < 0)
        left = 0;
    return apr_time_sec(left) < max_age ? (int)apr_time_sec(left) : max_age;
}

static int respond_jwk_set(request_rec *r, const whk_api_request_t *request)
{
    json_t *set;
    apr_time_t until;
    const whk_outcome_t *outcome =
        whk_jwk_set(whk_request_registry(r), request->caller, &set, &until);

    if (outcome)
        return whk_api_respond_error(r, outcome);
    return whk_api_respond_cacheable(r, json_incref(set),
                                     max_age_until(until, whk_config_of(r)->jwks_max_age));
}

static const whk_outcome_t *revoke_key(request_rec *r, const whk_api_request_t *request,
                                       json_t **value)
{
    apr_array_header_t *warnings;
    whk_key_t *key;

    WHK_TRY(whk_revoke_key(whk_request_registry(r), request->caller, request->route.key_id, &key,
                           &warnings));
    *value = whk_json_warn(whk_key_revoked_json(key, r->pool), warnings);
    return NULL;
}

static const whk_outcome_t *plan_revocation(request_rec *r, const whk_api_request_t *request,
                                            json_t **value)
{
    whk_planned_t planned;
    const char *body;
    apr_size_t length;
    apr_time_t when;

    WHK_TRY(whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length));
    WHK_TRY(whk_plan_read(body, length, &when, r->pool));
    WHK_TRY(whk_plan_revocation(whk_request_registry(r), request->caller, request->route.key_id,
                                when, &planned));
    *value = whk_json_warn(whk_key_json(planned.key, r->pool), planned.warnings);
    return NULL;
}

static const whk_outcome_t *cancel_revocation(request_rec *r, const whk_api_request_t *request,
                                              json_t **value)
{
    whk_key_t *key;

    WHK_TRY(whk_cancel_revocation(whk_request_registry(r), request->caller, request->route.key_id,
                                  &key));
    *value = whk_key_json(key, r->pool);
    return NULL;
}

/* Where the key is that was made. */
static const whk_outcome_t *locate(request_rec *r, const whk_api_request_t *request,
                                   const json_t *answer)
{
    const char *key_id = json_string_value(json_object_get(answer, "keyId"));

    if (!key_id)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0482) "out of memory for an answer");
    apr_table_setn(r->headers_out, "Location",
                   apr_pstrcat(r->pool, request->route.raw_path, "/",
                               ap_escape_path_segment(r->pool, key_id), NULL));
    return NULL;
}

static const whk_outcome_t *register_key(request_rec *r, const whk_api_request_t *request,
                                         json_t **value)
{
    whk_registry_t *registry = whk_request_registry(r);
    const char *body;
    apr_size_t length;
    json_t *answer;
    const whk_outcome_t *unread = whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length);

    if (unread)
        return whk_register_unread(registry, request->caller, unread);
    if (request->has_bad_idempotency_key)
        return whk_register_unread(registry, request->caller,
                                   whk_idempotency_hook_bad_key(r->pool));
    WHK_TRY(whk_register_key(registry, request->caller, request->idempotency_key, body, length,
                             &answer));
    *value = json_incref(answer);
    return locate(r, request, answer);
}

/* Nobody gave a code for this: it reads what was answered, and writes nothing. */
static const whk_outcome_t *answer_again(request_rec *r, const whk_api_request_t *request,
                                         json_t **value)
{
    const char *hash;
    const char *body;
    apr_size_t length;
    json_t *answer;

    WHK_TRY(whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length));
    hash = whk_sha256_hex(r->pool, body, length);
    if (!hash)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0484) "OpenSSL has no SHA-256");
    WHK_TRY(whk_idempotency_answer(r->pool, request->earlier, hash, &answer));
    *value = json_incref(answer);
    return locate(r, request, answer);
}

static const whk_outcome_t *validate_key(request_rec *r, const whk_api_request_t *request,
                                         json_t **value)
{
    const char *body;
    apr_size_t length;
    json_t *answer;

    WHK_TRY(whk_body_read_json(r, whk_config_of(r)->max_body, &body, &length));
    WHK_TRY(whk_validate_key(whk_request_registry(r), request->caller, body, length, &answer));
    *value = json_incref(answer);
    return NULL;
}

/* The handler trusts no configuration to have run the checks before it: without the caller that
 * only they can make, there is no answer. */
static const whk_outcome_t *check_caller(request_rec *r, const whk_api_request_t *request)
{
    if (!request->caller)
        return whk_api_request_no_caller(r);
    if (strcmp(whk_caller_enterprise(request->caller), request->route.enterprise_id) != 0)
        return whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0412) "the caller was authorised for another enterprise than the path names");
    if (whk_route_needs_otp(request->route.resource, r->method_number) && !request->earlier)
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
        if (!is_registration(r, request))
            return list_keys(r, request, value);
        return request->earlier ? answer_again(r, request, value) : register_key(r, request, value);
    case WHK_ROUTE_KEY:
        return r->method_number == M_DELETE ? revoke_key(r, request, value)
                                            : get_key(r, request, value);
    case WHK_ROUTE_KEY_VALIDATIONS:
        return validate_key(r, request, value);
    case WHK_ROUTE_VERIFY:
        return verify_jws(r, request, value);
    case WHK_ROUTE_REVOCATION:
        return r->method_number == M_PUT ? plan_revocation(r, request, value)
                                         : cancel_revocation(r, request, value);
    case WHK_ROUTE_EVENTS:
        return list_events(r, request, value);
    case WHK_ROUTE_JWKS:    /* responds by itself */
    case WHK_ROUTE_OPENAPI: /* likewise */
    case WHK_ROUTE_NONE:    /* refused by whk_api_request_check_route() */
        break;
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
    /* A location may be led here by others, as by mod_rewrite, and be none of ours. */
    whk_error_response_set_common_headers(r->err_headers_out);
    request = whk_api_request_of(r);
    outcome = whk_api_request_check_route(r);
    if (!outcome && r->method_number == M_OPTIONS)
        return whk_api_respond_options(r, whk_route_allow(request->route.resource));
    if (!outcome && request->route.resource == WHK_ROUTE_OPENAPI)
        return whk_openapi_respond(r);
    if (!outcome)
        outcome = check_caller(r, request);
    if (!outcome && request->route.resource == WHK_ROUTE_JWKS)
        return respond_jwk_set(r, request);
    if (!outcome)
        outcome = serve(r, request, &value);
    if (outcome)
        return whk_api_respond_error(r, outcome);
    return whk_api_respond(r, is_registration(r, request) ? HTTP_CREATED : HTTP_OK, value);
}
