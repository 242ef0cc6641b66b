/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ctl/check.h"

/* Of what the module can do without, and an operator had better not. */
static const struct {
    const char *file, *name, *why;
} wanted[] = {
    {"mod_watchdog.c", "watchdog", "revocations that were planned are not written down"},
    {"mod_reqtimeout.c", "reqtimeout", "slow clients hold httpd's threads as long as they like"},
    {"mod_ssl.c", "ssl",
     "tokens and one-time passwords go by plain HTTP, unless a proxy in front has TLS"},
};

static int is_loaded(const apr_array_header_t *modules, const char *file)
{
    int i;

    for (i = 0; i < modules->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(modules, i, const char *), file))
            return 1;
    return 0;
}

static void check_modules(whk_check_t *check)
{
    size_t i;
    size_t count = sizeof(wanted) / sizeof(wanted[0]);

    for (i = 0; i < count; i++)
        if (!is_loaded(check->invocation->config.httpd->modules, wanted[i].file))
            whk_check_report(
                check, WHK_CHECK_MODULE_MISSING, WHK_FOUND_NOTICE,
                whk_check_fix(check,
                              "add LoadModule %s_module /path/of/mod_%s.so (on Debian: a2enmod %s)",
                              wanted[i].name, wanted[i].name, wanted[i].name),
                "httpd has no mod_%s: %s", wanted[i].name, wanted[i].why);
}

static void check_processes(whk_check_t *check)
{
    const whk_httpd_config_t *httpd = check->invocation->config.httpd;

    if (httpd->mpm && !strcmp(httpd->mpm, "prefork"))
        whk_check_report(
            check, WHK_CHECK_MPM_PREFORK, WHK_FOUND_NOTICE,
            "load mod_mpm_event in its place (on Debian: a2dismod mpm_prefork, a2enmod "
            "mpm_event)",
            "httpd has the MPM prefork, where each child keeps keys and a database "
            "connection for itself");
}

static void check_enforcement(whk_check_t *check)
{
    const apr_array_header_t *places = check->invocation->config.httpd->not_enforced;
    int i;

    for (i = 0; i < places->nelts; i++)
        whk_check_report(check, WHK_CHECK_ENFORCE_OFF, WHK_FOUND_NOTICE,
                         "see what httpd logs of them, and set it On once there are none",
                         "WebhookKeysEnforce Off (%s) hands webhooks on that nobody signed, or not "
                         "as they must",
                         APR_ARRAY_IDX(places, i, const char *));
}

void whk_check_configuration(whk_check_t *check)
{
    check_enforcement(check);
    check_modules(check);
    check_processes(check);
}
