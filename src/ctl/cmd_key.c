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

static int read_status(whk_invocation_t *invocation, const char **status)
{
    const char *wanted = invocation->option[WHK_OPTION_STATUS];
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
        return whk_misused(invocation->command, "--status must be %s or %s", active, revoked);
    return WHK_EXIT_DONE;
}

static void print_table(whk_invocation_t *invocation, const whk_page_t *page)
{
    whk_table_t *table = whk_table_create(invocation->pool, 8, "KEYID", "NAME", "ALGORITHM",
                                          "STATUS", "CREATED", "BY", "LAST USED", "REVOKED");
    int i;

    for (i = 0; i < page->items->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(page->items, i, const whk_key_t *);

        whk_table_row(table, key->key_id, key->key_name, key->algorithm,
                      whk_key_status_name(key->status),
                      whk_print_time(invocation->pool, key->created), key->created_by,
                      whk_print_time(invocation->pool, key->last_used),
                      whk_print_time(invocation->pool, key->revoked));
    }
    whk_table_print(table, "There is no such key.");
    whk_page_hint(page);
}

int whk_cmd_key_list(whk_invocation_t *invocation)
{
    whk_enterprise_t *enterprise;
    const char *key_status;
    whk_caller_t *caller;
    whk_page_t page = {0};

    WHK_TRY_STATUS(read_status(invocation, &key_status));
    WHK_TRY_STATUS(whk_page_read(invocation, &page));
    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    caller = whk_caller_operator(invocation->pool, invocation->operator_name, enterprise->id);
    WHK_TRY_OR_REFUSE(whk_list_keys(&invocation->registry, caller, key_status, &page));
    whk_page_settle(invocation, &page);
    if (invocation->json)
        return whk_print_json(whk_key_page_json(&page, invocation->pool));
    print_table(invocation, &page);
    return WHK_EXIT_DONE;
}

int whk_cmd_key_revoke(whk_invocation_t *invocation)
{
    const char *key_id = invocation->operand[1];
    whk_enterprise_t *enterprise;
    whk_caller_t *caller;
    whk_key_t *key;

    WHK_TRY_STATUS(whk_invocation_check_name("KEYID", key_id, whk_key_id_flaw));
    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    caller = whk_caller_operator(invocation->pool, invocation->operator_name, enterprise->id);
    WHK_TRY_OR_REFUSE(whk_revoke_key(&invocation->registry, caller, key_id, &key));
    if (invocation->json)
        return whk_print_json(whk_key_revoked_json(key, invocation->pool));
    printf("Key %s of %s is revoked, for ever. The audit trail names %s.\n", key_id, enterprise->id,
           whk_caller_actor(caller));
    return WHK_EXIT_DONE;
}
