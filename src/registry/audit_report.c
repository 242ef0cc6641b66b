/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_report.h"

#include <string.h>

#include <apr_strings.h>

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
