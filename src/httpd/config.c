/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config.h"

#include <http_core.h>

const whk_config_t *whk_config_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &webhook_keys_module);
}

const whk_config_t *whk_config_of_server(const server_rec *s)
{
    return ap_get_module_config(s->lookup_defaults, &webhook_keys_module);
}

int whk_config_is_ours(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *handler = core->handler;
    const char *error = NULL;

    /* SetHandler takes an expression, of which a plain name is the simplest. */
    if (core->expr_handler)
        handler = ap_expr_str_exec(r, core->expr_handler, &error);
    return handler && !error && !strcmp(handler, WHK_HANDLER);
}
