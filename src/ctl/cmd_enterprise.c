/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "store/enterprises.h"

static json_t *enterprise_json(whk_invocation_t *invocation, const whk_enterprise_t *enterprise)
{
    return json_pack("{s:s, s:s, s:o, s:I, s:I}", "id", enterprise->id, "name", enterprise->name,
                     "createdDate", whk_print_time_json(invocation->pool, enterprise->created),
                     "activeKeys", (json_int_t)enterprise->active_keys, "events",
                     (json_int_t)enterprise->event_count);
}

int whk_cmd_enterprise_add(whk_invocation_t *invocation)
{
    const char *id = invocation->operand[0];
    const char *name = invocation->option[WHK_OPTION_NAME];
    whk_enterprise_t *enterprise;
    int added;

    WHK_TRY_STATUS(whk_invocation_check_name("ENTERPRISE", id, whk_enterprise_id_flaw));
    if (name)
        WHK_TRY_STATUS(whk_invocation_check_name("--name", name, whk_name_flaw));
    WHK_TRY_OR_REFUSE(whk_store_enterprise_add(invocation->store, invocation->pool, id,
                                               name ? name : id, whk_time_now(), &added));
    if (!added)
        return whk_refused("there is an enterprise %s already", id);
    if (!invocation->json) {
        printf("Enterprise %s is made. Next: whkctl admin add.\n", id);
        return WHK_EXIT_DONE;
    }
    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, id, &enterprise));
    return whk_print_json(enterprise_json(invocation, enterprise));
}

static int print_list_json(whk_invocation_t *invocation, const apr_array_header_t *enterprises)
{
    json_t *items = json_array();
    int i;

    for (i = 0; i < enterprises->nelts; i++)
        json_array_append_new(
            items,
            enterprise_json(invocation, APR_ARRAY_IDX(enterprises, i, const whk_enterprise_t *)));
    return whk_print_json(json_pack("{s:o}", "enterprises", items));
}

int whk_cmd_enterprise_list(whk_invocation_t *invocation)
{
    apr_array_header_t *enterprises;
    whk_table_t *table;
    int i;

    WHK_TRY_OR_REFUSE(whk_store_enterprise_list(invocation->store, invocation->pool, &enterprises));
    if (invocation->json)
        return print_list_json(invocation, enterprises);
    table = whk_table_create(invocation->pool, 5, "ENTERPRISE", "NAME", "ACTIVE KEYS", "EVENTS",
                             "CREATED");
    for (i = 0; i < enterprises->nelts; i++) {
        const whk_enterprise_t *enterprise =
            APR_ARRAY_IDX(enterprises, i, const whk_enterprise_t *);

        whk_table_row(table, enterprise->id, enterprise->name,
                      apr_psprintf(invocation->pool, "%" APR_INT64_T_FMT, enterprise->active_keys),
                      apr_psprintf(invocation->pool, "%" APR_INT64_T_FMT, enterprise->event_count),
                      whk_print_time(invocation->pool, enterprise->created));
    }
    whk_table_print(table, "There is no enterprise yet. Make one with whkctl enterprise add.");
    return WHK_EXIT_DONE;
}
