/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/other_directives.h"

#include <apr_strings.h>
#include <http_core.h>

#include "httpd/config.h"

static int is_inside(const ap_directive_t *directive, const char *section)
{
    for (; directive; directive = directive->parent)
        if (!ap_cstr_casecmp(directive->directive, section))
            return 1;
    return 0;
}

/* mod_authz_core marks its own sections by the last bit. */
static int is_for_all_methods(const cmd_parms *cmd)
{
    const apr_uint64_t last = (apr_uint64_t)1 << (METHODS - 1);

    return ((apr_uint64_t)cmd->limited | last) == ~(apr_uint64_t)0;
}

const char *whk_read_require(cmd_parms *cmd, void *config_, const char *arguments)
{
    whk_config_t *config = config_;
    const char *what = ap_getword_conf(cmd->temp_pool, &arguments);

    config->requires |= WHK_REQUIRES_SOMETHING;
    if (!ap_cstr_casecmp(what, "valid-webhook") && is_for_all_methods(cmd) &&
        !is_inside(cmd->directive, "<RequireNone"))
        config->requires |= WHK_REQUIRES_VALID_WEBHOOK;
    if (!ap_cstr_casecmp(what, "all") &&
        !ap_cstr_casecmp(ap_getword_conf(cmd->temp_pool, &arguments), "granted") &&
        !is_inside(cmd->directive, "<RequireAll") && !is_inside(cmd->directive, "<RequireNone"))
        config->requires |= WHK_REQUIRES_NOTHING;
    return NULL;
}

const char *whk_read_auth_merging(cmd_parms *cmd, void *config_, const char *how)
{
    whk_config_t *config = config_;

    (void)cmd;
    config->auth_merging_or = !ap_cstr_casecmp(how, "Or");
    return NULL;
}

void whk_requirements_merge(whk_config_t *merged, const whk_config_t *over)
{
    if (over->requires)
        merged->requires =
            over->requires | (over->auth_merging_or ? merged->requires & WHK_REQUIRES_NOTHING : 0);
    merged->auth_merging_or = over->auth_merging_or;
}

static whk_other_settings_t *settings_of(const server_rec *s)
{
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);

    return &server->others;
}

/* Who hears of a directive makes it known: without mod_dbd it would be taken, and mean nothing. */
static const char *check_mod_dbd(void)
{
    return ap_find_linked_module("mod_dbd.c")
               ? NULL
               : "mod_webhook_keys needs mod_dbd: add LoadModule dbd_module (a2enmod dbd)";
}

const char *whk_read_dbd_driver(cmd_parms *cmd, void *config, const char *arguments)
{
    (void)config;
    settings_of(cmd->server)->driver = ap_getword_conf(cmd->pool, &arguments);
    return check_mod_dbd();
}

const char *whk_read_dbd_params(cmd_parms *cmd, void *config, const char *arguments)
{
    whk_other_settings_t *settings = settings_of(cmd->server);

    (void)config;
    settings->params = ap_getword_conf(cmd->pool, &arguments);
    settings->params_place =
        apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    return check_mod_dbd();
}

const char *whk_read_set_handler(cmd_parms *cmd, void *config, const char *arguments)
{
    (void)config;
    /* A .htaccess file is read while requests are served, by several threads. */
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_RUN_MPM &&
        !ap_cstr_casecmp(ap_getword_conf(cmd->temp_pool, &arguments), WHK_HANDLER))
        settings_of(cmd->server)->serves = 1;
    return NULL;
}

const char *whk_read_server_name(cmd_parms *cmd, void *config, const char *arguments)
{
    (void)config;
    (void)arguments;
    settings_of(cmd->server)->is_named = 1;
    return NULL;
}

/* As mod_dbd has it, an empty one is none. */
static int is_set(const char *value)
{
    return value && *value;
}

whk_other_settings_t whk_other_settings_of(const server_rec *s, const server_rec *main_server)
{
    const whk_other_settings_t *base = settings_of(main_server);
    whk_other_settings_t settings = *settings_of(s);

    if (!is_set(settings.driver))
        settings.driver = is_set(base->driver) ? base->driver : NULL;
    if (!is_set(settings.params)) {
        settings.params = is_set(base->params) ? base->params : NULL;
        settings.params_place = base->params_place;
    }
    settings.serves |= base->serves;
    return settings;
}
