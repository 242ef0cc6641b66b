/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/request.h"

#include <httpd.h>

#include <apr_escape.h>
#include <http_log.h>

#include "httpd/body.h"
#include "httpd/config.h"
#include "httpd/counters_shm.h"
#include "httpd/database.h"
#include "httpd/server_fetchers.h"
#include "httpd/server_state.h"
#include "model/log_number.h"
#include "model/random.h"

APLOG_USE_MODULE(webhook_keys);

/* mod_unique_id's, where it is loaded, so that one id is in every log. */
static const char *request_id(request_rec *r)
{
    const char *unique = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    unsigned char random[12];

    if (unique)
        return unique;
    if (whk_random(random, sizeof(random)) != APR_SUCCESS)
        return "-";
    return apr_pescape_hex(r->pool, random, sizeof(random), 0);
}

whk_request_t *whk_request_if_any(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &webhook_keys_module);
}

whk_request_t *whk_request_of(request_rec *r)
{
    whk_request_t *request = whk_request_if_any(r);

    if (!request) {
        request = apr_pcalloc(r->pool, sizeof(*request));
        request->id = request_id(r);
        ap_set_module_config(r->request_config, &webhook_keys_module, request);
    }
    return request;
}

whk_registry_t *whk_request_registry(request_rec *r)
{
    whk_registry_t *registry = &whk_request_of(r)->registry;

    if (!registry->store) {
        registry->pool = r->pool;
        registry->policy = &whk_config_of(r)->policy;
        registry->remote = whk_server_fetchers_of(r->server);
        registry->counters = whk_counters_shm();
        registry->secret = whk_server_of(r->server)->secret_key;
        registry->store = whk_database_store(r->server, r->pool);
    }
    return registry;
}

int whk_request_stop(request_rec *r, const whk_outcome_t *outcome)
{
    whk_request_t *request = whk_request_of(r);
    int status = whk_code_status(outcome->code);

    request->error.outcome = outcome;
    request->error.status = status;
    /* Or httpd would wait for a body that plays no part in the response. */
    whk_body_discard(r);
    if (outcome->operator_hint)
        ap_log_rerror(APLOG_MARK, status >= 500 ? APLOG_ERR : APLOG_WARNING, 0, r,
                      "%s (%s) [request %s]", outcome->operator_hint, whk_code_name(outcome->code),
                      request->id);
    else
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, WHK_LOGNO(0390) "refused: %s [request %s]",
                      whk_code_name(outcome->code), request->id);
    return status;
}
