/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/idempotency_hook.h"

#include "httpd/api/api_request.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"
#include "httpd/server_state.h"
#include "registry/idempotency.h"

#define HEADER "Idempotency-Key"

const whk_outcome_t *whk_idempotency_hook_bad_key(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_INVALID_REQUEST,
                      "the header " HEADER " must hold one key of 1 to 255 ASCII characters in "
                      "double quotes, as a UUID");
}

int whk_idempotency_hook_find(request_rec *r)
{
    const char *field = apr_table_get(r->headers_in, HEADER);
    whk_api_request_t *request = whk_api_request_of(r);
    const whk_outcome_t *outcome;

    if (!field || request->route.resource != WHK_ROUTE_KEYS || r->method_number != M_POST)
        return DECLINED;
    request->idempotency_key = whk_idempotency_key_read(r->pool, field);
    request->has_bad_idempotency_key = !request->idempotency_key;
    if (!request->idempotency_key)
        return DECLINED;
    outcome = whk_idempotency_find(whk_request_registry(r)->store, r->pool,
                                   whk_server_of(r->server)->secret_key, request->caller,
                                   request->idempotency_key, &request->earlier);
    if (outcome)
        return whk_request_stop(r, outcome);
    return request->earlier ? OK : DECLINED;
}
