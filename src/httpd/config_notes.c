/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config_notes.h"

#include <apr_strings.h>
#include <http_core.h>

/* Of what directives say, in sections too, whose configurations nobody lists. */
static whk_longest_times_t longest;

static void note(whk_longest_times_t *times, apr_interval_time_t max_age,
                 apr_interval_time_t clock_skew)
{
    if (max_age > times->max_age)
        times->max_age = max_age;
    if (clock_skew > times->clock_skew)
        times->clock_skew = clock_skew;
}

void whk_config_forget_times(void)
{
    memset(&longest, 0, sizeof(longest));
}

void whk_config_note_times(apr_interval_time_t max_age, apr_interval_time_t clock_skew)
{
    note(&longest, max_age, clock_skew);
}

whk_longest_times_t whk_config_longest_times(const server_rec *s)
{
    whk_longest_times_t times = longest;

    for (; s; s = s->next)
        note(&times, whk_config_of_server(s)->max_age, whk_config_of_server(s)->clock_skew);
    return times;
}

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

/* mod_authz_core's own directive, which takes it as well: it tells nobody what it was given, and a
 * location of webhooks is closed where nothing there asks for a signature. */
const char *whk_config_note_require(cmd_parms *cmd, void *config_, const char *arguments)
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

/* mod_authz_core's own as well. */
const char *whk_config_note_merging(cmd_parms *cmd, void *config_, const char *how)
{
    whk_config_t *config = config_;

    (void)cmd;
    config->joins = !ap_cstr_casecmp(how, "Or");
    return NULL;
}

static whk_server_notes_t *notes_of(const server_rec *s)
{
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);

    return &server->notes;
}

const char *whk_config_note_driver(cmd_parms *cmd, void *config, const char *arguments)
{
    (void)config;
    notes_of(cmd->server)->driver = ap_getword_conf(cmd->pool, &arguments);
    return NULL;
}

const char *whk_config_note_params(cmd_parms *cmd, void *config, const char *arguments)
{
    whk_server_notes_t *notes = notes_of(cmd->server);

    (void)config;
    notes->params = ap_getword_conf(cmd->pool, &arguments);
    notes->params_place =
        apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    return NULL;
}

const char *whk_config_note_handler(cmd_parms *cmd, void *config, const char *arguments)
{
    (void)config;
    /* A .htaccess file is read while requests are served, by several threads. */
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_RUN_MPM &&
        !ap_cstr_casecmp(ap_getword_conf(cmd->temp_pool, &arguments), WHK_HANDLER))
        notes_of(cmd->server)->serves = 1;
    return NULL;
}

/* As mod_dbd has it, an empty one is none. */
static int is_said(const char *value)
{
    return value && *value;
}

whk_server_notes_t whk_config_notes_of(const server_rec *s, const server_rec *main_server)
{
    const whk_server_notes_t *base = notes_of(main_server);
    whk_server_notes_t notes = *notes_of(s);

    if (!is_said(notes.driver))
        notes.driver = is_said(base->driver) ? base->driver : NULL;
    if (!is_said(notes.params)) {
        notes.params = is_said(base->params) ? base->params : NULL;
        notes.params_place = base->params_place;
    }
    notes.serves |= base->serves;
    return notes;
}
