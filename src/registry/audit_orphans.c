/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_trail.h"
#include "store/orphans.h"

#include <apr_hash.h>
#include <apr_strings.h>

static const char *flaw_of(apr_pool_t *pool, const whk_orphan_rows_t *lost)
{
    return apr_psprintf(pool,
                        "the enterprise has no row, but %" APR_INT64_T_FMT " of kind %s %s it",
                        lost->rows, lost->kind, lost->rows == 1 ? "names" : "name");
}

static whk_audit_report_t *report_of(apr_array_header_t *reports, apr_hash_t *by_enterprise,
                                     apr_pool_t *pool, const char *enterprise_id)
{
    whk_audit_report_t *report = apr_hash_get(by_enterprise, enterprise_id, APR_HASH_KEY_STRING);

    if (report)
        return report;
    report = apr_pcalloc(pool, sizeof(*report));
    report->enterprise_id = enterprise_id;
    report->findings = apr_array_make(pool, 4, sizeof(whk_audit_finding_t));
    apr_hash_set(by_enterprise, enterprise_id, APR_HASH_KEY_STRING, report);
    APR_ARRAY_PUSH(reports, whk_audit_report_t *) = report;
    return report;
}

const whk_outcome_t *whk_audit_lost(whk_registry_t *registry, apr_array_header_t **reports)
{
    apr_pool_t *pool = registry->pool;
    apr_hash_t *by_enterprise = apr_hash_make(pool);
    apr_array_header_t *lost;
    int i;

    WHK_TRY(whk_store_orphan_list(registry->store, pool, &lost));
    *reports = apr_array_make(pool, 4, sizeof(whk_audit_report_t *));
    for (i = 0; i < lost->nelts; i++) {
        const whk_orphan_rows_t *rows = APR_ARRAY_IDX(lost, i, const whk_orphan_rows_t *);
        whk_audit_report_t *report = report_of(*reports, by_enterprise, pool, rows->enterprise_id);
        whk_audit_finding_t *finding = &APR_ARRAY_PUSH(report->findings, whk_audit_finding_t);

        finding->kind = "enterprise";
        finding->name = rows->enterprise_id;
        finding->flaw = flaw_of(pool, rows);
    }
    return NULL;
}
