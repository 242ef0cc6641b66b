/*
 * The bar for reads: a handler that answers from memory, in the same httpd, with no module of ours.
 */
#include <httpd.h>

#include <http_config.h>
#include <http_protocol.h>

static const char answer[] = "{\"keys\":[],\"total\":0,\"limit\":50,\"prevId\":0}\n";

static int bare(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "bare") != 0)
        return DECLINED;
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
