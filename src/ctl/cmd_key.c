/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <strings.h>

#include "ctl/commands.h"
#include "ctl/page.h"
#include "ctl/print.h"
#include "model/key.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/api_json.h"
#include "registry/key_revocation.h"
#include "registry/listing.h"
#include "registry/planned_revocation.h"
#include "registry/revokes_date.h"

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
    whk_table_t *table =
        whk_table_create(invocation->pool, 10, "KEYID", "NAME", "ALGORITHM", "STATUS", "CREATED",
                         "BY", "FOLLOWED BY", "LAST USED", "PLANNED", "REVOKED");
    int i;

    for (i = 0; i < page->items->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(page->items, i, const whk_key_t *);

        whk_table_row(table, key->key_id, key->key_name, key->algorithm,
                      whk_key_status_name(key->status),
                      whk_print_time(invocation->pool, key->created), key->created_by,
                      key->followed_by, whk_print_time(invocation->pool, key->last_used),
                      whk_print_time(invocation->pool, key->revokes),
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

static void hint_at(const apr_array_header_t *warnings)
{
    int i;

    for (i = 0; warnings && i < warnings->nelts; i++)
        whk_hint("%s", APR_ARRAY_IDX(warnings, i, const char *));
}

static int revoke_now(whk_invocation_t *invocation, const whk_caller_t *caller, const char *key_id)
{
    apr_array_header_t *warnings;
    whk_key_t *key;

    WHK_TRY_OR_REFUSE(whk_revoke_key(&invocation->registry, caller, key_id, &key, &warnings));
    if (invocation->json)
        return whk_print_json(whk_json_warn(whk_key_revoked_json(key, invocation->pool), warnings));
    printf("Key %s of %s is revoked, for ever. The audit trail names %s.\n", key_id,
           whk_caller_enterprise(caller), whk_caller_actor(caller));
    hint_at(warnings);
    return WHK_EXIT_DONE;
}

static int revoke_at(whk_invocation_t *invocation, const whk_caller_t *caller, const char *key_id)
{
    whk_planned_t planned;
    apr_time_t when;

    WHK_TRY_OR_REFUSE(
        whk_revokes_date_read("--at", invocation->option[WHK_OPTION_AT], &when, invocation->pool));
    WHK_TRY_OR_REFUSE(whk_plan_revocation(&invocation->registry, caller, key_id, when, &planned));
    if (invocation->json)
        return whk_print_json(
            whk_json_warn(whk_key_json(planned.key, invocation->pool), planned.warnings));
    printf("Key %s of %s is revoked at %s, by itself. Until then --cancel cancels it.\n", key_id,
           whk_caller_enterprise(caller), whk_time_format(invocation->pool, when));
    hint_at(planned.warnings);
    return WHK_EXIT_DONE;
}

static int cancel(whk_invocation_t *invocation, const whk_caller_t *caller, const char *key_id)
{
    whk_key_t *key;

    WHK_TRY_OR_REFUSE(whk_cancel_revocation(&invocation->registry, caller, key_id, &key));
    if (invocation->json)
        return whk_print_json(whk_key_json(key, invocation->pool));
    printf("Key %s of %s stays ACTIVE: nothing is planned for it.\n", key_id,
           whk_caller_enterprise(caller));
    return WHK_EXIT_DONE;
}

int whk_cmd_key_revoke(whk_invocation_t *invocation)
{
    const char *key_id = invocation->operand[1];
    int is_planned = invocation->option[WHK_OPTION_AT] != NULL;
    int is_cancelled = invocation->option[WHK_OPTION_CANCEL] != NULL;
    whk_enterprise_t *enterprise;
    whk_caller_t *caller;

    if (is_planned && is_cancelled)
        return whk_misused(invocation->command, "--at plans and --cancel cancels: give one");
    WHK_TRY_STATUS(whk_invocation_check_name("KEYID", key_id, whk_key_id_flaw));
    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    caller = whk_caller_operator(invocation->pool, invocation->operator_name, enterprise->id);
    if (is_planned)
        return revoke_at(invocation, caller, key_id);
    return is_cancelled ? cancel(invocation, caller, key_id)
                        : revoke_now(invocation, caller, key_id);
}
