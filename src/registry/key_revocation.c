/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_revocation.h"

#include <string.h>

#include "metrics/metrics.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/authorize.h"
#include "registry/followed_set.h"
#include "registry/key_warnings.h"
#include "registry/listing.h"
#include "registry/registry.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/transaction.h"

typedef struct {
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    const char *key_id;
    apr_time_t now; /* once the enterprise is locked */
    whk_key_t *key;
    apr_array_header_t *warnings;
    int revoked;
} revocation_t;

/* From a row that is as we wrote it, and to another one. `revoked` is 0 where it was so before.
 * What was planned is over: the row tells of no plan that was not carried out. */
static const whk_outcome_t *revoke_row(whk_store_t *store, apr_pool_t *pool,
                                       revocation_t *revocation)
{
    whk_key_t *key = revocation->key;

    WHK_TRY(whk_key_check(pool, revocation->secret, key));
    whk_key_settle(key, revocation->now);
    if (key->status != WHK_KEY_STATUS_ACTIVE)
        return NULL;
    key->revokes = 0;
    key->status = WHK_KEY_STATUS_REVOKED;
    key->revoked = revocation->now;
    key->revoked_by = whk_caller_actor(revocation->caller);
    WHK_TRY(whk_key_set_seal(pool, revocation->secret, key));
    return whk_store_key_revoke(store, pool, key, &revocation->revoked);
}

static const whk_outcome_t *record_revocation(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    revocation_t *revocation = baton;
    const char *enterprise_id = whk_caller_enterprise(revocation->caller);
    whk_enterprise_t *enterprise;

    revocation->key = NULL;
    revocation->revoked = 0;
    WHK_TRY(whk_store_enterprise_lock(store, pool, enterprise_id, &enterprise));
    if (!enterprise)
        return NULL;
    revocation->now = whk_time_now();
    WHK_TRY(whk_store_key_get(store, pool, enterprise_id, revocation->key_id, &revocation->key));
    if (revocation->key)
        WHK_TRY(revoke_row(store, pool, revocation));
    if (!revocation->revoked)
        return NULL;
    /* No revoke hangs on what a row counts: whkctl audit verify does. */
    if (enterprise->active_keys > 0)
        enterprise->active_keys--;
    enterprise->revision++;
    WHK_TRY(whk_audit_append(store, pool, revocation->secret, enterprise, WHK_EVENT_KEY_REVOKED,
                             revocation->key_id, revocation->caller, NULL, revocation->now));
    if (whk_key_is_set(revocation->key))
        WHK_TRY(whk_followed_set_revoke(store, pool,
                                        &(whk_insertion_t){revocation->secret, 0, enterprise},
                                        revocation->caller, revocation->key));
    WHK_TRY(whk_store_enterprise_update(store, pool, enterprise));
    return whk_warn_of_revocation(store, pool, enterprise, revocation->now, &revocation->warnings);
}

const whk_outcome_t *whk_key_already_revoked(apr_pool_t *pool, const whk_key_t *key)
{
    return whk_refuse(pool, WHK_KEY_ALREADY_REVOKED, "this key was revoked at %s",
                      whk_time_format(pool, key->revoked));
}

const whk_outcome_t *whk_revoke_key(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, whk_key_t **key,
                                    apr_array_header_t **warnings)
{
    revocation_t revocation = {.secret = registry->secret, .caller = caller, .key_id = key_id};
    const whk_outcome_t *outcome;

    WHK_TRY(whk_caller_check_complete(registry->pool, caller));
    if (whk_key_id_flaw(key_id, strlen(key_id)))
        return whk_key_not_found(registry->pool);
    outcome =
        whk_store_transaction(registry->store, registry->pool, record_revocation, &revocation);
    /* Also where it failed: a commit that was not acknowledged may have happened. */
    whk_count_change(registry->counters, whk_caller_enterprise(caller));
    if (outcome)
        return outcome;
    if (!revocation.key)
        return whk_key_not_found(registry->pool);
    if (!revocation.revoked)
        return whk_key_already_revoked(registry->pool, revocation.key);
    whk_metrics_count(WHK_REVOCATIONS, WHK_BY_API, 0);
    *key = revocation.key;
    *warnings = revocation.warnings;
    return NULL;
}
