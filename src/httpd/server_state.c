/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/server_state.h"

#include <http_config.h>

#include "httpd/config.h"

void *whk_server_create(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(whk_server_t));
}

const whk_server_t *whk_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &webhook_keys_module);
}

void whk_server_update_verifies(whk_server_t *server, const void *signature)
{
    if (((const whk_signature_config_t *)signature)->scheme)
        server->verifies = 1;
}

void whk_server_update_signs(whk_server_t *server, const void *sign)
{
    const whk_scheme_t *scheme = ((const whk_signature_config_t *)sign)->scheme;

    if (scheme)
        server->signs = 1;
    if (scheme == &whk_scheme_standard_webhooks)
        server->signs_by_ed25519 = 1;
}

static void lengthen(apr_interval_time_t *longest, apr_interval_time_t time)
{
    if (time > *longest)
        *longest = time;
}

void whk_server_update_longest_max_age(whk_server_t *server, const void *max_age)
{
    lengthen(&server->longest_max_age, *(const apr_interval_time_t *)max_age);
}

void whk_server_update_longest_clock_skew(whk_server_t *server, const void *clock_skew)
{
    lengthen(&server->longest_clock_skew, *(const apr_interval_time_t *)clock_skew);
}

void whk_server_longest_times(const server_rec *s, apr_interval_time_t *max_age,
                              apr_interval_time_t *clock_skew)
{
    *max_age = *clock_skew = 0;
    for (; s; s = s->next) {
        lengthen(max_age, whk_server_of(s)->longest_max_age);
        lengthen(max_age, whk_config_of_server(s)->max_age);
        lengthen(clock_skew, whk_server_of(s)->longest_clock_skew);
        lengthen(clock_skew, whk_config_of_server(s)->clock_skew);
    }
}
