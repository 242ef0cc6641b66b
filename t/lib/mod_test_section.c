/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module of somebody else, for t/whkctl_configuration.t: `<TestSection yes>` reads what stands in
 * it as if it stood outside, `<TestSection no>` never does. Neither is known to anybody but itself.
 */
#include <httpd.h>

#include <http_config.h>

static const char *section(cmd_parms *cmd, void *config, const char *argument)
{
    ap_directive_t *inside = cmd->directive->first_child;

    (void)config;
    return !strcmp(argument, "yes>") && inside ? ap_walk_config(inside, cmd, cmd->context) : NULL;
}

static const command_rec commands[] = {
    AP_INIT_RAW_ARGS("<TestSection", section, NULL, RSRC_CONF, "yes or no"), {0}};

AP_DECLARE_MODULE(test_section) = {STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, commands, NULL,
                                   AP_MODULE_FLAG_NONE};
