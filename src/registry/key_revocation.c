/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/name.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/key_cache.h"
#include "registry/registry.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/transaction.h"

const whk_outcome_t *whk_caller_check_complete(apr_pool_t *pool, const whk_caller_t *caller)
{
    if (whk_caller_is_complete(caller))
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    "no one-time password was checked for this request: see that "
                    "WebhookKeysOTPProvider names a provider that is loaded, and that the location "
                    "has Require webhook-keys-admin");
}

static const whk_outcome_t *key_not_found(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_KEY_NOT_FOUND, "this enterprise has no key of that keyId");
}

/* A keyId that could never be registered needs no question to a database that might choke on it. */
static int can_exist(const char *key_id)
{
    return !whk_key_id_flaw(key_id, strlen(key_id));
}

const whk_outcome_t *whk_list_keys(whk_registry_t *registry, const whk_caller_t *caller,
                                   const char *status, whk_page_t *page)
{
    int i;

    WHK_TRY(whk_store_key_list(registry->store, registry->pool, whk_caller_enterprise(caller),
                               status, page->limit, page->offset, &page->items, &page->total));
    for (i = 0; i < page->items->nelts; i++)
        WHK_TRY(whk_key_check(registry->pool, registry->secret,
                              APR_ARRAY_IDX(page->items, i, const whk_key_t *)));
    return NULL;
}

const whk_outcome_t *whk_get_key(whk_registry_t *registry, const whk_caller_t *caller,
                                 const char *key_id, whk_key_t **key)
{
    *key = NULL;
    if (can_exist(key_id))
        WHK_TRY(whk_store_key_get(registry->store, registry->pool, whk_caller_enterprise(caller),
                                  key_id, key));
    return *key ? whk_key_check(registry->pool, registry->secret, *key)
                : key_not_found(registry->pool);
}

typedef struct {
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    const char *key_id;
    apr_time_t now;
    whk_key_t *key;
    int revoked;
} revocation_t;

/* From a row that is as we wrote it, and to another one. `revoked` is 0 where it was so before. */
static const whk_outcome_t *revoke_row(whk_store_t *store, apr_pool_t *pool,
                                       revocation_t *revocation)
{
    whk_key_t *key = revocation->key;

    WHK_TRY(whk_key_check(pool, revocation->secret, key));
    if (key->status != WHK_KEY_STATUS_ACTIVE)
        return NULL;
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
    WHK_TRY(whk_store_key_get(store, pool, enterprise_id, revocation->key_id, &revocation->key));
    if (revocation->key)
        WHK_TRY(revoke_row(store, pool, revocation));
    if (!revocation->revoked)
        return NULL;
    enterprise->active_keys--;
    enterprise->revision++;
    WHK_TRY(whk_audit_append(store, pool, revocation->secret, enterprise, WHK_EVENT_KEY_REVOKED,
                             revocation->key_id, revocation->caller, NULL, revocation->now));
    return whk_store_enterprise_update(store, pool, enterprise);
}

const whk_outcome_t *whk_revoke_key(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, whk_key_t **key)
{
    revocation_t revocation = {registry->secret, caller, key_id, whk_time_now(), NULL, 0};
    const whk_outcome_t *outcome;

    WHK_TRY(whk_caller_check_complete(registry->pool, caller));
    if (!can_exist(key_id))
        return key_not_found(registry->pool);
    outcome =
        whk_store_transaction(registry->store, registry->pool, record_revocation, &revocation);
    /* Also where it failed: a commit that was not acknowledged may have happened. */
    whk_key_cache_changed(registry->changes, whk_caller_enterprise(caller));
    if (outcome)
        return outcome;
    if (!revocation.key)
        return key_not_found(registry->pool);
    if (!revocation.revoked)
        return whk_refuse(registry->pool, WHK_KEY_ALREADY_REVOKED, "this key was revoked at %s",
                          whk_time_format(registry->pool, revocation.key->revoked));
    *key = revocation.key;
    return NULL;
}

const whk_outcome_t *whk_list_events(whk_registry_t *registry, const whk_caller_t *caller,
                                     whk_page_t *page)
{
    int i;

    WHK_TRY(whk_store_event_list(registry->store, registry->pool, whk_caller_enterprise(caller),
                                 page->limit, page->offset, &page->items, &page->total));
    for (i = 0; i < page->items->nelts; i++) {
        const whk_event_t *event = APR_ARRAY_IDX(page->items, i, const whk_event_t *);

        WHK_TRY(whk_event_check(registry->pool, registry->secret, event));
        if (i > 0 && APR_ARRAY_IDX(page->items, i - 1, const whk_event_t *)->id != event->id + 1)
            return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                            "an event after event %" APR_INT64_T_FMT
                            " of enterprise %s is missing: run whkctl audit verify",
                            event->id, event->enterprise_id);
    }
    return NULL;
}
