/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_orphans.h"
#include "store/orphans.h"

#include <apr_hash.h>
#include <apr_strings.h>

static const char *flaw_of(apr_pool_t *pool, const whk_orphan_rows_t *orphans)
{
    return apr_psprintf(pool,
                        "the enterprise has no row, but %" APR_INT64_T_FMT " of kind %s %s it",
                        orphans->rows, orphans->kind, orphans->rows == 1 ? "names" : "name");
}

static whk_audit_report_t *report_of(apr_array_header_t *reports, apr_hash_t *by_enterprise,
                                     apr_pool_t *pool, const char *enterprise_id)
{
    whk_audit_report_t *report = apr_hash_get(by_enterprise, enterprise_id, APR_HASH_KEY_STRING);

    if (report)
        return report;
    report = apr_palloc(pool, sizeof(*report));
    whk_audit_report_init(report, enterprise_id, pool);
    apr_hash_set(by_enterprise, enterprise_id, APR_HASH_KEY_STRING, report);
    APR_ARRAY_PUSH(reports, whk_audit_report_t *) = report;
    return report;
}

const whk_outcome_t *whk_audit_orphans(whk_registry_t *registry, apr_array_header_t **reports)
{
    apr_pool_t *pool = registry->pool;
    apr_hash_t *by_enterprise = apr_hash_make(pool);
    apr_array_header_t *orphans;
    int i;

    WHK_TRY(whk_store_orphan_list(registry->store, pool, &orphans));
    *reports = apr_array_make(pool, 4, sizeof(whk_audit_report_t *));
    for (i = 0; i < orphans->nelts; i++) {
        const whk_orphan_rows_t *rows = APR_ARRAY_IDX(orphans, i, const whk_orphan_rows_t *);
        whk_audit_report_t *report = report_of(*reports, by_enterprise, pool, rows->enterprise_id);

        whk_audit_report_add(report, "enterprise", rows->enterprise_id, flaw_of(pool, rows), pool);
    }
    return NULL;
}
