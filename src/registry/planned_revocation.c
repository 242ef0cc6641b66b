/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/planned_revocation.h"

#include <string.h>

#include "jose/json.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/authorize.h"
#include "registry/key_revocation.h"
#include "registry/key_warnings.h"
#include "registry/listing.h"
#include "registry/revokes_date.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/transaction.h"

#define MEMBER "revokesDate"

const whk_outcome_t *whk_plan_read(const char *body, apr_size_t length, apr_time_t *when,
                                   apr_pool_t *pool)
{
    const json_t *member;
    json_t *json;

    WHK_TRY(whk_json_parse(&json, body, length, "the body", pool));
    if (!json_is_object(json))
        return whk_refuse(pool, WHK_INVALID_REQUEST, "the body must be a JSON object with " MEMBER);
    member = json_object_get(json, MEMBER);
    if (!member || json_is_null(member))
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          MEMBER " is missing: send when the key is to be revoked; DELETE cancels "
                                 "what is planned");
    if (!json_is_string(member))
        return whk_refuse(pool, WHK_INVALID_REQUEST, MEMBER " must be a string");
    return whk_revokes_date_read(MEMBER, json_string_value(member), when, pool);
}

typedef struct {
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    const char *key_id;
    apr_time_t when; /* 0: cancel */
    whk_planned_t planned;
    const whk_outcome_t *refusal;
} plan_t;

static const whk_outcome_t *refusal_of(const plan_t *plan, whk_key_t *key, apr_time_t now,
                                       apr_pool_t *pool)
{
    whk_key_settle(key, now);
    if (key->status != WHK_KEY_STATUS_ACTIVE)
        return whk_key_already_revoked(pool, key);
    return plan->when ? whk_revokes_date_check(MEMBER, plan->when, now, pool) : NULL;
}

/* The event of what was cancelled tells which time that was. */
static const whk_outcome_t *write_plan(whk_store_t *store, apr_pool_t *pool, const plan_t *plan,
                                       whk_enterprise_t *enterprise, whk_key_t *key, apr_time_t now)
{
    const char *detail = whk_time_format(pool, plan->when ? plan->when : key->revokes);
    int written;

    key->revokes = plan->when;
    WHK_TRY(whk_key_set_seal(pool, plan->secret, key));
    WHK_TRY(whk_store_key_plan(store, pool, key, &written));
    enterprise->revision++;
    WHK_TRY(
        whk_audit_append(store, pool, plan->secret, enterprise,
                         plan->when ? WHK_EVENT_REVOCATION_PLANNED : WHK_EVENT_REVOCATION_CANCELLED,
                         key->key_id, plan->caller, detail, now));
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* What time it is counts once the enterprise is locked: whoever waited for that may be too late. */
static const whk_outcome_t *record_plan(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    plan_t *plan = baton;
    const char *enterprise_id = whk_caller_enterprise(plan->caller);
    whk_enterprise_t *enterprise;
    whk_key_t *key = NULL;
    apr_time_t now;

    memset(&plan->planned, 0, sizeof(plan->planned));
    WHK_TRY(whk_store_enterprise_lock(store, pool, enterprise_id, &enterprise));
    now = whk_time_now();
    if (enterprise)
        WHK_TRY(whk_store_key_get(store, pool, enterprise_id, plan->key_id, &key));
    if (!key) {
        plan->refusal = whk_key_not_found(pool);
        return NULL;
    }
    WHK_TRY(whk_key_check(pool, plan->secret, key));
    plan->refusal = refusal_of(plan, key, now, pool);
    if (plan->refusal)
        return NULL;
    plan->planned.key = key;
    if (key->revokes != plan->when)
        WHK_TRY(write_plan(store, pool, plan, enterprise, key, now));
    return plan->when ? whk_warn_of_plan(store, pool, key, now, &plan->planned.warnings) : NULL;
}

static const whk_outcome_t *run(whk_registry_t *registry, plan_t *plan)
{
    const whk_outcome_t *outcome;

    plan->secret = registry->secret;
    WHK_TRY(whk_caller_check_complete(registry->pool, plan->caller));
    if (whk_key_id_flaw(plan->key_id, strlen(plan->key_id)))
        return whk_key_not_found(registry->pool);
    outcome = whk_store_transaction(registry->store, registry->pool, record_plan, plan);
    /* Also where it failed: a commit that was not acknowledged may have happened. */
    whk_count_change(registry->counters, whk_caller_enterprise(plan->caller));
    return outcome ? outcome : plan->refusal;
}

const whk_outcome_t *whk_plan_revocation(whk_registry_t *registry, const whk_caller_t *caller,
                                         const char *key_id, apr_time_t when,
                                         whk_planned_t *planned)
{
    plan_t plan = {.caller = caller, .key_id = key_id, .when = when};

    WHK_TRY(run(registry, &plan));
    *planned = plan.planned;
    return NULL;
}

const whk_outcome_t *whk_cancel_revocation(whk_registry_t *registry, const whk_caller_t *caller,
                                           const char *key_id, whk_key_t **key)
{
    plan_t plan = {.caller = caller, .key_id = key_id};

    WHK_TRY(run(registry, &plan));
    *key = plan.planned.key;
    return NULL;
}
