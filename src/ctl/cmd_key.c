/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <strings.h>

#include "ctl/commands.h"
#include "ctl/page.h"
#include "ctl/print.h"
#include "model/key.h"
#include "model/name.h"
#include "registry/api_json.h"
#include "registry/key_revocation.h"
#include "registry/listing.h"

static int read_status(whk_control_t *control, const char **status)
{
    const char *wanted = control->option[WHK_OPTION_STATUS];
    const char *active = whk_key_status_name(WHK_KEY_STATUS_ACTIVE);
    const char *revoked = whk_key_status_name(WHK_KEY_STATUS_REVOKED);

    *status = NULL;
    if (!wanted)
        return WHK_EXIT_DONE;
    if (strcasecmp(wanted, active) == 0)
        *status = active;
    else if (strcasecmp(wanted, revoked) == 0)
        *status = revoked;
    else
        return whk_misused(control->command, "--status must be %s or %s", active, revoked);
    return WHK_EXIT_DONE;
}

static void print_table(whk_control_t *control, const whk_page_t *page)
{
    whk_table_t *table = whk_table_create(control->pool, 8, "KEYID", "NAME", "ALGORITHM", "STATUS",
                                          "CREATED", "BY", "LAST USED", "REVOKED");
    int i;

    for (i = 0; i < page->items->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(page->items, i, const whk_key_t *);

        whk_table_row(table, key->key_id, key->key_name, key->algorithm,
                      whk_key_status_name(key->status), whk_print_time(control->pool, key->created),
                      key->created_by, whk_print_time(control->pool, key->last_used),
                      whk_print_time(control->pool, key->revoked));
    }
    whk_table_print(table, "There is no such key.");
    whk_page_hint(page);
}

int whk_cmd_key_list(whk_control_t *control)
{
    whk_enterprise_t *enterprise;
    const char *key_status;
    whk_caller_t *caller;
    whk_page_t page = {0};
    int status = read_status(control, &key_status);

    if (status == WHK_EXIT_DONE)
        status = whk_page_read(control, &page);
    if (status == WHK_EXIT_DONE)
        status = whk_control_enterprise(control, control->operand[0], &enterprise);
    if (status != WHK_EXIT_DONE)
        return status;
    caller = whk_caller_operator(control->pool, control->operator_name, enterprise->id);
    WHK_CONTROL_TRY(whk_list_keys(&control->registry, caller, key_status, &page));
    whk_page_settle(control, &page);
    if (control->json)
        return whk_print_json(whk_key_page_json(&page, control->pool));
    print_table(control, &page);
    return WHK_EXIT_DONE;
}

int whk_cmd_key_revoke(whk_control_t *control)
{
    const char *key_id = control->operand[1];
    whk_enterprise_t *enterprise;
    whk_caller_t *caller;
    whk_key_t *key;
    int status = whk_control_check_name("KEYID", key_id, whk_key_id_flaw);

    if (status == WHK_EXIT_DONE)
        status = whk_control_enterprise(control, control->operand[0], &enterprise);
    if (status != WHK_EXIT_DONE)
        return status;
    caller = whk_caller_operator(control->pool, control->operator_name, enterprise->id);
    WHK_CONTROL_TRY(whk_revoke_key(&control->registry, caller, key_id, &key));
    if (control->json)
        return whk_print_json(whk_key_revoked_json(key, control->pool));
    printf("Key %s of %s is revoked, for ever. The audit trail names %s.\n", key_id, enterprise->id,
           whk_caller_actor(caller));
    return WHK_EXIT_DONE;
}
