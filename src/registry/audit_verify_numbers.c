/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_verify.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "store/keys.h"
#include "store/transaction.h"

/* A key that was met. */
typedef struct {
    apr_int64_t number;
    const char *key_id;
} met_t;

static void found(whk_audit_inspection_t *inspection, const char *kind, const char *name,
                  const char *flaw)
{
    whk_audit_report_add(inspection->report, kind, name, flaw, inspection->pool);
}

static void found_of_enterprise(whk_audit_inspection_t *inspection, const char *flaw)
{
    found(inspection, "enterprise", inspection->enterprise->id, flaw);
}

apr_array_header_t *whk_audit_numbers_create(apr_pool_t *pool)
{
    return apr_array_make(pool, 16, sizeof(met_t));
}

void whk_audit_number_add(whk_audit_inspection_t *inspection, apr_int64_t number,
                          const char *key_id)
{
    APR_ARRAY_PUSH(inspection->numbers, met_t) = (met_t){number, key_id};
}

/* ---- numbers ---- */

static int compare(const void *left, const void *right)
{
    const met_t *a = left;
    const met_t *b = right;

    return a->number == b->number ? strcmp(a->key_id, b->key_id)
                                  : (a->number > b->number) - (a->number < b->number);
}

/* One finding a gap, which may be as long as somebody likes. A key that was registered during the
 * walk may not have been met. */
static void check_gap(whk_audit_inspection_t *inspection, apr_int64_t expected)
{
    if (expected <= inspection->enterprise->key_count)
        found(inspection, "number", apr_psprintf(inspection->pool, "%" APR_INT64_T_FMT, expected),
              "no key has it: an enterprise's keys are numbered 1, 2, 3 ... without a gap");
}

static void check_order(whk_audit_inspection_t *inspection, const whk_enterprise_t *now)
{
    apr_array_header_t *numbers = inspection->numbers;
    apr_int64_t expected = 1;
    int i;

    qsort(numbers->elts, numbers->nelts, sizeof(met_t), compare);
    for (i = 0; i < numbers->nelts; i++) {
        const met_t *met = &APR_ARRAY_IDX(numbers, i, met_t);

        if (met->number < 1 || met->number > now->key_count) {
            found(inspection, "key", met->key_id,
                  "its number is none of those that the enterprise's row knows of");
            continue;
        }
        if (met->number < expected)
            found(inspection, "key", met->key_id, "another key has the same number");
        else if (met->number > expected)
            check_gap(inspection, expected);
        expected = met->number < APR_INT64_MAX ? met->number + 1 : met->number;
    }
    check_gap(inspection, expected);
}

/* ---- what the enterprise's row counts ---- */

static void check_count(whk_audit_inspection_t *inspection, const whk_enterprise_t *now)
{
    if (inspection->numbers->nelts < inspection->enterprise->key_count)
        found_of_enterprise(inspection, "its row tells of more keys than there are");
    else if (inspection->numbers->nelts > now->key_count)
        found_of_enterprise(inspection, "its row tells of fewer keys than there are");
}

typedef struct {
    const char *enterprise_id;
    int differs;
} active_t;

static const whk_outcome_t *compare_active(whk_store_t *store, apr_pool_t *pool,
                                           const whk_enterprise_t *enterprise, int *differs)
{
    apr_array_header_t *numbers;

    WHK_TRY(whk_store_key_active_numbers(store, pool, enterprise->id, &numbers));
    *differs = numbers->nelts != enterprise->active_keys;
    return NULL;
}

static const whk_outcome_t *compare_locked(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    active_t *active = baton;
    whk_enterprise_t *enterprise;

    active->differs = 0;
    WHK_TRY(whk_store_enterprise_lock(store, pool, active->enterprise_id, &enterprise));
    return enterprise ? compare_active(store, pool, enterprise, &active->differs) : NULL;
}

/* What differs is asked anew with everybody else locked out: one may have been registered or
 * revoked between the two questions. */
static const whk_outcome_t *check_active(whk_audit_inspection_t *inspection,
                                         const whk_enterprise_t *now)
{
    active_t active = {now->id, 0};

    WHK_TRY(compare_active(inspection->store, inspection->pool, now, &active.differs));
    if (active.differs && !inspection->unsealed)
        WHK_TRY(
            whk_store_transaction(inspection->store, inspection->pool, compare_locked, &active));
    if (active.differs)
        found_of_enterprise(inspection, "its row tells of another number of ACTIVE keys than "
                                        "there are");
    return NULL;
}

const whk_outcome_t *whk_audit_numbers_verify(whk_audit_inspection_t *inspection)
{
    whk_enterprise_t *now;

    WHK_TRY(whk_store_enterprise_get(inspection->store, inspection->pool,
                                     inspection->enterprise->id, &now));
    if (!now)
        return NULL;
    check_order(inspection, now);
    check_count(inspection, now);
    return check_active(inspection, now);
}
