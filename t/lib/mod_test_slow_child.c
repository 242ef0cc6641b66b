/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module of somebody else, for t/stop.t: a child takes a second between what mod_watchdog and
 * what mod_dbd do when it begins.
 */
#include <httpd.h>

#include <http_config.h>

static void wait_a_second(apr_pool_t *pool, server_rec *s)
{
    (void)pool;
    (void)s;
    apr_sleep(apr_time_from_sec(1));
}

static void register_hooks(apr_pool_t *pool)
{
    static const char *const behind[] = {"mod_watchdog.c", NULL};
    static const char *const before[] = {"mod_dbd.c", NULL};

    (void)pool;
    ap_hook_child_init(wait_a_second, behind, before, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(test_slow_child) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE};
