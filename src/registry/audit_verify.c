/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_verify.h"

#include "registry/audit_inspection.h"

static const whk_outcome_t *verify(whk_audit_inspection_t *inspection,
                                   const whk_enterprise_t *enterprise, whk_audit_report_t *report)
{
    apr_pool_t *scratch;
    const whk_outcome_t *outcome;

    whk_audit_report_init(report, enterprise->id, inspection->pool);
    inspection->enterprise = enterprise;
    inspection->report = report;
    inspection->histories = whk_key_histories_create(inspection->pool);
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
