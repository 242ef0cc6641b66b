/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/enterprise_walk.h"
#include "store/enterprises.h"

static json_t *enterprise_json(const whk_enterprise_t *enterprise, apr_pool_t *pool)
{
    return json_pack("{s:s, s:s, s:o, s:I, s:I}", "id", enterprise->id, "name", enterprise->name,
                     "createdDate", whk_print_time_json(pool, enterprise->created), "activeKeys",
                     (json_int_t)enterprise->active_keys, "events",
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
    return whk_print_json(enterprise_json(enterprise, invocation->pool));
}

static const whk_outcome_t *add_json(void *items, const whk_enterprise_t *enterprise,
                                     apr_pool_t *pool)
{
    json_array_append_new(items, enterprise_json(enterprise, pool));
    return NULL;
}

static const whk_outcome_t *add_row(void *table, const whk_enterprise_t *enterprise,
                                    apr_pool_t *pool)
{
    whk_table_row(table, enterprise->id, enterprise->name,
                  apr_psprintf(pool, "%" APR_INT64_T_FMT, enterprise->active_keys),
                  apr_psprintf(pool, "%" APR_INT64_T_FMT, enterprise->event_count),
                  whk_print_time(pool, enterprise->created));
    return NULL;
}

static int print_list_json(whk_invocation_t *invocation)
{
    json_t *items = json_array();
    const whk_outcome_t *outcome =
        whk_enterprise_walk(invocation->store, invocation->pool, add_json, items);

    if (!outcome)
        return whk_print_json(json_pack("{s:o}", "enterprises", items));
    json_decref(items);
    return whk_refused_outcome(outcome);
}

int whk_cmd_enterprise_list(whk_invocation_t *invocation)
{
    whk_table_t *table;

    if (invocation->json)
        return print_list_json(invocation);
    table = whk_table_create(invocation->pool, 5, "ENTERPRISE", "NAME", "ACTIVE KEYS", "EVENTS",
                             "CREATED");
    WHK_TRY_OR_REFUSE(whk_enterprise_walk(invocation->store, invocation->pool, add_row, table));
    whk_table_print(table, "There is no enterprise yet. Make one with whkctl enterprise add.");
    return WHK_EXIT_DONE;
}
