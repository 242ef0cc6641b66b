/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_verify.h"

#include <apr_strings.h>
#include <string.h>

void whk_audit_report_init(whk_audit_report_t *report, const char *enterprise_id, apr_pool_t *pool)
{
    memset(report, 0, sizeof(*report));
    report->enterprise_id = enterprise_id;
    report->findings = apr_array_make(pool, 4, sizeof(whk_audit_finding_t));
}

/* For each kind of its own, so that many of one kind hide none of another. */
static int is_full(const whk_audit_report_t *report, const char *kind)
{
    int count = 0;
    int i;

    for (i = 0; i < report->findings->nelts; i++)
        count += !strcmp(APR_ARRAY_IDX(report->findings, i, whk_audit_finding_t).kind, kind);
    return count >= WHK_AUDIT_FINDINGS_MOST;
}

void whk_audit_report_add(whk_audit_report_t *report, const char *kind, const char *name,
                          const char *flaw, apr_pool_t *pool)
{
    whk_audit_finding_t *finding;

    if (is_full(report, kind)) {
        report->more++;
        return;
    }
    finding = &APR_ARRAY_PUSH(report->findings, whk_audit_finding_t);
    finding->kind = kind;
    finding->name = apr_pstrdup(pool, name);
    finding->flaw = flaw;
}

static const whk_outcome_t *verify(whk_audit_inspection_t *inspection,
                                   const whk_enterprise_t *enterprise, whk_audit_report_t *report)
{
    apr_pool_t *scratch;
    const whk_outcome_t *outcome;

    whk_audit_report_init(report, enterprise->id, inspection->pool);
    inspection->enterprise = enterprise;
    inspection->report = report;
    inspection->histories = whk_key_histories_create(inspection->pool);
    inspection->numbers = whk_audit_numbers_create(inspection->pool);
    apr_pool_create(&scratch, inspection->pool);
    outcome = whk_audit_chain_verify(inspection, scratch);
    if (!outcome)
        outcome = whk_audit_rows_verify(inspection, scratch);
    apr_pool_destroy(scratch);
    return outcome;
}

const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report)
{
    whk_audit_inspection_t inspection = {
        .store = registry->store, .pool = registry->pool, .secret = registry->secret};

    return verify(&inspection, enterprise, report);
}

const whk_outcome_t *whk_audit_verify_unsealed(whk_store_t *store, apr_pool_t *pool,
                                               const whk_enterprise_t *enterprise,
                                               whk_audit_report_t *report)
{
    whk_audit_inspection_t inspection = {.store = store, .pool = pool, .unsealed = 1};

    return verify(&inspection, enterprise, report);
}
