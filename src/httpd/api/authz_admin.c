/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/authz_admin.h"

#include <httpd.h>

#include <http_config.h>

#include "httpd/api/api_request.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"
#include "registry/authorize.h"

static authz_status check_admin(request_rec *r, const char *require_line, const void *parsed)
{
    whk_request_t *request = whk_request_of(r);
    const whk_route_t *route = whk_api_request_route(r);
    const whk_outcome_t *outcome;

    (void)require_line;
    (void)parsed;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    if (route->resource == WHK_ROUTE_NONE)
        return AUTHZ_DENIED;
    outcome = whk_authorize(whk_request_registry(r), r->user, route->enterprise_id, r->useragent_ip,
                            request->id, &request->api->caller);
    if (!outcome) {
        request->error.outcome = NULL;
        return AUTHZ_GRANTED;
    }
    whk_request_stop(r, outcome);
    return outcome->code == WHK_NOT_ENTERPRISE_ADMIN ? AUTHZ_DENIED : AUTHZ_GENERAL_ERROR;
}

static const char *parse_admin(cmd_parms *cmd, const char *require_line, const void **parsed)
{
    (void)cmd;
    (void)parsed;
    if (*require_line)
        return "Require webhook-keys-admin takes no arguments: the enterprise is that of the path";
    return NULL;
}

const authz_provider whk_authz_admin_provider = {check_admin, parse_admin};

int whk_authz_admin_check_access_ex(request_rec *r)
{
    if (!whk_config_is_ours(r))
        return DECLINED;
    return whk_api_request_check_route(r) || r->method_number == M_OPTIONS ||
                   whk_api_request_route(r)->resource == WHK_ROUTE_OPENAPI
               ? OK
               : DECLINED;
}

int whk_authz_admin_check_authz(request_rec *r)
{
    if (whk_config_is_ours(r))
        whk_api_request_of(r)->authenticated = 1;
    return DECLINED;
}
