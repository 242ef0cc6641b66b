/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config_notes.h"

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
