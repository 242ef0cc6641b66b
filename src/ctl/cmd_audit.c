/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/page.h"
#include "ctl/print.h"
#include "registry/api_json.h"
#include "registry/audit_orphans.h"
#include "registry/audit_verify.h"
#include "registry/enterprise_walk.h"
#include "registry/listing.h"
#include "store/enterprises.h"
#include "store/schema_flaws.h"

static void print_table(whk_invocation_t *invocation, const whk_page_t *page)
{
    whk_table_t *table = whk_table_create(invocation->pool, 7, "ID", "AT", "TYPE", "KEYID", "ACTOR",
                                          "FROM", "DETAIL");
    int i;

    for (i = 0; i < page->items->nelts; i++) {
        const whk_event_t *event = APR_ARRAY_IDX(page->items, i, const whk_event_t *);

        whk_table_row(table, apr_psprintf(invocation->pool, "%" APR_INT64_T_FMT, event->id),
                      whk_print_time(invocation->pool, event->at), event->type, event->key_id,
                      event->actor, event->remote_address, event->detail);
    }
    whk_table_print(table, "There is no event.");
    whk_page_hint(page);
}

int whk_cmd_audit_list(whk_invocation_t *invocation)
{
    whk_enterprise_t *enterprise;
    whk_caller_t *caller;
    whk_page_t page = {0};

    WHK_TRY_STATUS(whk_page_read(invocation, &page));
    WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    caller = whk_caller_operator(invocation->pool, invocation->operator_name, enterprise->id);
    WHK_TRY_OR_REFUSE(whk_list_events(&invocation->registry, caller, &page));
    whk_page_settle(invocation, &page);
    if (invocation->json)
        return whk_print_json(whk_event_page_json(&page, invocation->pool));
    print_table(invocation, &page);
    return WHK_EXIT_DONE;
}

static json_t *findings_json(const whk_audit_report_t *report)
{
    json_t *findings = json_array();
    int i;

    for (i = 0; i < report->findings->nelts; i++) {
        const whk_audit_finding_t *finding =
            &APR_ARRAY_IDX(report->findings, i, whk_audit_finding_t);

        json_array_append_new(findings, json_pack("{s:s, s:s, s:s}", "kind", finding->kind, "name",
                                                  finding->name, "flaw", finding->flaw));
    }
    return findings;
}

static json_t *report_json(const whk_audit_report_t *report)
{
    return json_pack("{s:s, s:b, s:I, s:s, s:o, s:s?, s:o, s:I}", "enterpriseId",
                     report->enterprise_id, "ok", report->findings->nelts == 0, "events",
                     (json_int_t)report->events, "head", report->head, "brokenId",
                     report->flaw ? json_integer((json_int_t)report->broken_id) : json_null(),
                     "flaw", report->flaw, "findings", findings_json(report), "moreFindings",
                     (json_int_t)report->more);
}

static void print_report(whk_invocation_t *invocation, const whk_audit_report_t *report)
{
    int i;

    for (i = 0; i < report->findings->nelts; i++) {
        const whk_audit_finding_t *finding =
            &APR_ARRAY_IDX(report->findings, i, whk_audit_finding_t);

        printf("BROKEN  %s: %s %s: %s\n", report->enterprise_id, finding->kind,
               whk_printable(invocation->pool, finding->name), finding->flaw);
    }
    if (report->more > 0)
        printf("BROKEN  %s: and %" APR_INT64_T_FMT " more\n", report->enterprise_id, report->more);
    if (report->findings->nelts == 0)
        printf("ok      %s: %" APR_INT64_T_FMT " events, head %s\n", report->enterprise_id,
               report->events, *report->head ? report->head : "none yet");
}

/* What was looked at so far. */
typedef struct {
    whk_invocation_t *invocation;
    json_t *reports;
    int broken;
    json_t *schema; /* what is wrong with it */
} result_t;

/* A view or a trigger may show httpd other rows than us. */
static const whk_outcome_t *look_at_schema(result_t *result)
{
    whk_invocation_t *invocation = result->invocation;
    apr_array_header_t *flaws;
    int i;

    WHK_TRY(whk_store_schema_flaws(invocation->store, invocation->pool, &flaws));
    for (i = 0; i < flaws->nelts; i++) {
        const whk_schema_flaw_t *flaw = APR_ARRAY_IDX(flaws, i, const whk_schema_flaw_t *);

        json_array_append_new(result->schema, json_pack("{s:s, s:s, s:s}", "kind", flaw->type,
                                                        "name", flaw->name, "flaw", flaw->flaw));
        if (!invocation->json)
            printf("BROKEN  schema: %s %s: %s\n", flaw->type,
                   whk_printable(invocation->pool, flaw->name), flaw->flaw);
    }
    return NULL;
}

static void add_report(result_t *result, const whk_audit_report_t *report)
{
    result->broken += report->findings->nelts > 0;
    if (result->invocation->json)
        json_array_append_new(result->reports, report_json(report));
    else
        print_report(result->invocation, report);
}

static const whk_outcome_t *verify(void *result, const whk_enterprise_t *enterprise,
                                   apr_pool_t *pool)
{
    whk_registry_t registry = ((result_t *)result)->invocation->registry;
    whk_audit_report_t report = {0};

    registry.pool = pool;
    WHK_TRY(whk_audit_verify(&registry, enterprise, &report));
    add_report(result, &report);
    return NULL;
}

static const whk_outcome_t *find_lost(result_t *result)
{
    apr_array_header_t *reports;
    int i;

    WHK_TRY(whk_audit_orphans(&result->invocation->registry, &reports));
    for (i = 0; i < reports->nelts; i++)
        add_report(result, APR_ARRAY_IDX(reports, i, const whk_audit_report_t *));
    return NULL;
}

static int print_result(const result_t *result)
{
    int is_foreign = json_array_size(result->schema) > 0;

    if (result->invocation->json)
        whk_print_json(json_pack("{s:b, s:O, s:O}", "ok", result->broken == 0 && !is_foreign,
                                 "schema", result->schema, "enterprises", result->reports));
    if (is_foreign)
        return whk_refused("the registry's schema is not as this whkctl makes it: restore a "
                           "backup, or put right what is named, and look who else writes to the "
                           "database");
    return result->broken
               ? whk_refused("what the registry holds of %d %s is not as it was written",
                             result->broken, result->broken == 1 ? "enterprise" : "enterprises")
               : WHK_EXIT_DONE;
}

/* The one that was named, or all. */
static const whk_outcome_t *verify_wanted(result_t *result, const whk_enterprise_t *enterprise)
{
    whk_invocation_t *invocation = result->invocation;

    WHK_TRY(look_at_schema(result));
    if (enterprise)
        return verify(result, enterprise, invocation->pool);
    WHK_TRY(whk_enterprise_walk(invocation->store, invocation->pool, verify, result));
    return find_lost(result);
}

int whk_cmd_audit_verify(whk_invocation_t *invocation)
{
    result_t result = {invocation, NULL, 0, NULL};
    whk_enterprise_t *enterprise = NULL;
    const whk_outcome_t *outcome;
    int status;

    if (invocation->operand[0])
        WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
    result.reports = json_array();
    result.schema = json_array();
    outcome = verify_wanted(&result, enterprise);
    status = outcome ? whk_refused_outcome(outcome) : print_result(&result);
    json_decref(result.reports);
    json_decref(result.schema);
    return status;
}
