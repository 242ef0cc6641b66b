/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_cache.h"

#include <apr_strings.h>
#include <http_request.h>

#include "httpd/config.h"
#include "httpd/server_state.h"
#include "httpd/webhook/webhook_request.h"

static void hide_method(request_rec *r)
{
    whk_webhook_request_of(r)->hidden_method = r->method_number + 1;
    r->method_number = M_INVALID;
}

void whk_response_cache_passed(request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

    if (webhook && webhook->hidden_method && r->method_number == M_INVALID)
        r->method_number = webhook->hidden_method - 1;
}

void whk_response_cache_pass_by(request_rec *r)
{
    apr_table_setn(r->subprocess_env, "no-cache", "1");
    hide_method(r);
}

/* As httpd will find it, in a moment. */
static int is_to_be_signed(request_rec *r)
{
    ap_conf_vector_t *config = r->per_dir_config;
    char *uri = r->uri;
    int found = 0;

    r->uri = apr_pstrdup(r->pool, uri);
    if (ap_unescape_url(r->uri) == OK && ap_normalize_path(r->uri, AP_NORMALIZE_MERGE_SLASHES) &&
        ap_location_walk(r) == OK)
        found = whk_config_of(r)->response.scheme != NULL;
    r->uri = uri;
    r->per_dir_config = config;
    return found;
}

int whk_response_cache_quick_handler(request_rec *r, int lookup)
{
    if (!lookup && whk_server_of(r->server)->key_cache && is_to_be_signed(r))
        hide_method(r);
    return DECLINED;
}

int whk_response_cache_quick_handler_after(request_rec *r, int lookup)
{
    if (!lookup)
        whk_response_cache_passed(r);
    return DECLINED;
}
