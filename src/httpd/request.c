/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/request.h"

#include <httpd.h>

#include <apr_escape.h>
#include <http_config.h>

#include "httpd/config.h"
#include "httpd/counters_shm.h"
#include "httpd/database.h"
#include "httpd/server_fetchers.h"
#include "httpd/server_state.h"
#include "model/random.h"

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
    request_rec *origin = r->main ? r->main : r->prev;

    if (!request) {
        request = apr_pcalloc(r->pool, sizeof(*request));
        request->id = origin ? whk_request_of(origin)->id : request_id(r);
        ap_set_module_config(r->request_config, &webhook_keys_module, request);
    }
    return request;
}

/* httpd's own id of a request, %L, is ours, so that it is in the lines of other modules too. Where
 * mod_unique_id makes both, they are the same already. */
int whk_request_generate_log_id(const conn_rec *c, const request_rec *r, const char **id)
{
    (void)c;
    if (!r || !r->request_config || ap_find_linked_module("mod_unique_id.c"))
        return DECLINED;
    *id = whk_request_of((request_rec *)r)->id;
    return OK;
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
