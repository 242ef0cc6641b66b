#include <string.h>

#include "model/text.h"
#include "registry/audit.h"
#include "registry/keyring.h"
#include "registry/registry.h"

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
    return whk_store_key_list(registry->store, registry->pool, whk_caller_enterprise(caller),
                              status, page->limit, page->offset, &page->items, &page->total);
}

const whk_outcome_t *whk_get_key(whk_registry_t *registry, const whk_caller_t *caller,
                                 const char *key_id, whk_key_t **key)
{
    *key = NULL;
    if (can_exist(key_id))
        WHK_TRY(whk_store_key_get(registry->store, registry->pool, whk_caller_enterprise(caller),
                                  key_id, key));
    return *key ? NULL : key_not_found(registry->pool);
}

typedef struct {
    const whk_caller_t *caller;
    const char *key_id;
    apr_time_t now;
    whk_key_t *key;
    int revoked;
} revocation_t;

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
    WHK_TRY(whk_store_key_revoke(store, pool, enterprise_id, revocation->key_id, revocation->now,
                                 whk_caller_actor(revocation->caller), &revocation->revoked));
    WHK_TRY(whk_store_key_get(store, pool, enterprise_id, revocation->key_id, &revocation->key));
    if (!revocation->revoked)
        return NULL;
    enterprise->active_keys--;
    enterprise->revision++;
    WHK_TRY(whk_audit_append(store, pool, enterprise, WHK_EVENT_KEY_REVOKED, revocation->key_id,
                             revocation->caller, NULL, revocation->now));
    return whk_store_enterprise_update(store, pool, enterprise);
}

const whk_outcome_t *whk_revoke_key(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, whk_key_t **key)
{
    revocation_t revocation = {caller, key_id, whk_time_now(), NULL, 0};
    const whk_outcome_t *outcome;

    WHK_TRY(whk_caller_check_complete(registry->pool, caller));
    if (!can_exist(key_id))
        return key_not_found(registry->pool);
    outcome =
        whk_store_transaction(registry->store, registry->pool, record_revocation, &revocation);
    /* Also where it failed: a commit that was not acknowledged may have happened. */
    whk_keyring_changed(registry->changes, whk_caller_enterprise(caller));
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
    return whk_store_event_list(registry->store, registry->pool, whk_caller_enterprise(caller),
                                page->limit, page->offset, &page->items, &page->total);
}
