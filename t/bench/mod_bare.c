/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bar: a handler that answers from memory, in the same httpd, with no module of ours. A body it
 * reads whole.
 */
#include <httpd.h>

#include <http_config.h>
#include <http_protocol.h>

static const char answer[] = "{\"keys\":[],\"total\":0,\"limit\":50,\"prevId\":0}\n";

static int bare(request_rec *r)
{
    char buffer[8192];

    if (!r->handler || strcmp(r->handler, "bare") != 0)
        return DECLINED;
    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) == OK && ap_should_client_block(r))
        while (ap_get_client_block(r, buffer, sizeof(buffer)) > 0)
            ;
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, sizeof(answer) - 1);
    ap_rwrite(answer, sizeof(answer) - 1, r);
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_handler(bare, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bare) = {STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
                           AP_MODULE_FLAG_NONE};
