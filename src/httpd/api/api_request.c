/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/api_request.h"

#include "httpd/config.h"
#include "httpd/request.h"
#include "model/log_number.h"

whk_api_request_t *whk_api_request_of(request_rec *r)
{
    whk_request_t *request = whk_request_of(r);

    if (!request->api)
        request->api = apr_pcalloc(r->pool, sizeof(*request->api));
    return request->api;
}

const whk_route_t *whk_api_request_route(request_rec *r)
{
    whk_route_t *route = &whk_api_request_of(r)->route;

    if (!route->raw_path) {
        whk_route_find(route, r);
        if (route->resource == WHK_ROUTE_OPENAPI && !whk_config_of(r)->openapi)
            route->resource = WHK_ROUTE_NONE;
    }
    whk_request_of(r)->enterprise_id = route->enterprise_id;
    return route;
}

const whk_outcome_t *whk_api_request_check_route(request_rec *r)
{
    whk_resource_t resource = whk_api_request_route(r)->resource;

    if (resource == WHK_ROUTE_NONE)
        return whk_refuse(r->pool, WHK_NOT_FOUND, "%s", whk_code_message(WHK_NOT_FOUND));
    if (whk_route_serves(resource, r->method_number))
        return NULL;
    whk_request_of(r)->error.allow = whk_route_allow(resource);
    return whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED, "this path serves %s",
                      whk_route_allow(resource));
}

const whk_outcome_t *whk_api_request_no_caller(request_rec *r)
{
    return whk_fail(
        r->pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0410) "nobody was authorised for %s: its location needs AuthType Bearer and "
                        "Require webhook-keys-admin, and nothing beside that grants access",
        r->uri);
}
