/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/seal.h"
#include "store/admins.h"

int whk_cmd_admin_add(whk_invocation_t *invocation)
{
    const char *user = invocation->operand[1];
    whk_admin_t admin = {.user = user, .created = whk_time_now()};
    whk_enterprise_t *enterprise;
    int added;

    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    WHK_TRY_STATUS(whk_invocation_check_name("USER", user, whk_user_flaw));
    admin.enterprise_id = enterprise->id;
    WHK_TRY_OR_REFUSE(whk_admin_set_seal(invocation->pool, invocation->key, &admin));
    WHK_TRY_OR_REFUSE(whk_store_admin_add(invocation->store, invocation->pool, &admin, &added));
    if (!added)
        return whk_refused("%s is an admin of %s already", user, enterprise->id);
    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:s, s:o}", "enterpriseId", enterprise->id, "user",
                                        user, "createdDate",
                                        whk_print_time_json(invocation->pool, admin.created)));
    printf("%s is an admin of %s now. Next: whkctl token issue, and whkctl otp enroll.\n", user,
           enterprise->id);
    return WHK_EXIT_DONE;
}

int whk_cmd_admin_remove(whk_invocation_t *invocation)
{
    const char *user = invocation->operand[1];
    whk_enterprise_t *enterprise;
    int removed;

    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    WHK_TRY_STATUS(whk_invocation_check_name("USER", user, whk_name_flaw));
    WHK_TRY_OR_REFUSE(whk_store_admin_remove(invocation->store, invocation->pool, enterprise->id,
                                             user, &removed));
    if (!removed)
        return whk_refused("%s is no admin of %s", user, enterprise->id);
    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:s, s:b}", "enterpriseId", enterprise->id, "user",
                                        user, "removed", 1));
    printf("%s is no admin of %s any more.\n", user, enterprise->id);
    return WHK_EXIT_DONE;
}

static int print_list_json(whk_invocation_t *invocation, const apr_array_header_t *admins)
{
    json_t *items = json_array();
    int i;

    for (i = 0; i < admins->nelts; i++) {
        const whk_admin_t *admin = APR_ARRAY_IDX(admins, i, const whk_admin_t *);

        json_array_append_new(items,
                              json_pack("{s:s, s:o}", "user", admin->user, "createdDate",
                                        whk_print_time_json(invocation->pool, admin->created)));
    }
    return whk_print_json(json_pack("{s:o}", "admins", items));
}

/* Those that make nobody an admin are shown too, since they are to be taken away. */
static int judge_list(whk_invocation_t *invocation, const apr_array_header_t *admins)
{
    int bad = 0;
    int i;

    for (i = 0; i < admins->nelts; i++) {
        const whk_outcome_t *outcome = whk_admin_check(
            invocation->pool, invocation->key, APR_ARRAY_IDX(admins, i, const whk_admin_t *));

        bad += outcome != NULL;
        if (outcome)
            whk_refused("%s", outcome->operator_hint);
    }
    return bad ? WHK_EXIT_REFUSED : WHK_EXIT_DONE;
}

int whk_cmd_admin_list(whk_invocation_t *invocation)
{
    whk_enterprise_t *enterprise;
    apr_array_header_t *admins;
    whk_table_t *table;
    int i;

    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    WHK_TRY_OR_REFUSE(
        whk_store_admin_list(invocation->store, invocation->pool, enterprise->id, &admins));
    if (invocation->json) {
        print_list_json(invocation, admins);
        return judge_list(invocation, admins);
    }
    table = whk_table_create(invocation->pool, 2, "USER", "SINCE");
    for (i = 0; i < admins->nelts; i++) {
        const whk_admin_t *admin = APR_ARRAY_IDX(admins, i, const whk_admin_t *);

        whk_table_row(table, admin->user, whk_print_time(invocation->pool, admin->created));
    }
    whk_table_print(table, "This enterprise has no admin. Name one with whkctl admin add.");
    return judge_list(invocation, admins);
}
