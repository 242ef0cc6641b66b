/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "ctl/check.h"
#include "ctl/commands.h"
#include "ctl/print.h"

static void check_registry(whk_check_t *check)
{
    whk_invocation_t *invocation = check->invocation;

    if (invocation->config.dialect->is_file && !whk_check_registry_file(check))
        return;
    if (whk_invocation_connect(invocation) != WHK_EXIT_DONE)
        whk_check_report(check, WHK_CHECK_REGISTRY_CONNECTION, WHK_FOUND_PROBLEM,
                         "mend what standard error names, in DBDParams or at the database",
                         "the registry %s cannot be opened", invocation->config.name);
    else if (whk_check_schema(check)) {
        whk_check_clock(check);
        whk_check_content(check);
    }
}

int whk_cmd_check(whk_invocation_t *invocation)
{
    whk_check_t check = {invocation, json_array(), json_array(), 0};

    whk_check_configuration(&check);
    whk_check_servers(&check);
    whk_check_origin_clocks(&check);
    whk_check_key_file(&check);
    check_registry(&check);
    if (invocation->json)
        whk_print_json(json_pack("{s:b, s:O, s:O}", "ok", check.problems == 0, "checks",
                                 check.checks, "findings", check.findings));
    json_decref(check.checks);
    json_decref(check.findings);
    if (check.problems == 0)
        return WHK_EXIT_DONE;
    return whk_refused("%d %s found", check.problems, check.problems == 1 ? "problem" : "problems");
}
