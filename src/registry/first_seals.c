/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/first_seals.h"

#include "model/log_number.h"
#include "registry/audit_verify.h"
#include "registry/enterprise_walk.h"
#include "registry/reseal.h"

static const whk_outcome_t *verify_unsealed(whk_store_t *store, apr_pool_t *pool,
                                            const whk_enterprise_t *enterprise)
{
    const whk_audit_finding_t *finding;
    whk_audit_report_t report;

    WHK_TRY(whk_audit_verify_unsealed(store, pool, enterprise, &report));
    if (report.findings->nelts == 0)
        return NULL;
    finding = &APR_ARRAY_IDX(report.findings, 0, whk_audit_finding_t);
    return whk_fail(
        pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0207) "nothing was migrated, since what is sealed now counts as true for ever, "
                        "and this does not hold together: enterprise %s: %s %s: %s; look who else "
                        "writes to the database, restore a backup, and migrate that",
        enterprise->id, finding->kind, finding->name, finding->flaw);
}

static const whk_outcome_t *sealed_before(apr_pool_t *pool, const char *key_file)
{
    return whk_fail(
        pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0208) "nothing was migrated: %s says that the rows of this registry were sealed "
                        "before, but those in this database are not, so that somebody put them "
                        "there; restore a backup of now. If you yourself restored one from before "
                        "the seals, and trust each row of it, take the line of this registry that "
                        "begins with sealed out of that file and run this again",
        key_file);
}

static const whk_outcome_t *verify(void *store, const whk_enterprise_t *enterprise,
                                   apr_pool_t *pool)
{
    return verify_unsealed(store, pool, enterprise);
}

static const whk_outcome_t *seal_what_is_there(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const whk_first_seals_t *first = baton;
    apr_array_header_t *one;

    WHK_TRY(whk_store_enterprise_walk(store, pool, "", 1, &one));
    if (one->nelts > 0 && first->sealed_before)
        return sealed_before(pool, first->key_file);
    WHK_TRY(whk_enterprise_walk(store, pool, verify, store));
    return whk_seal_first(store, first->secret, pool);
}

const whk_migration_work_t whk_registry_migrations[] = {{4, seal_what_is_there}, {0, NULL}};
