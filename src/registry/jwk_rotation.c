/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/jwk_rotation.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/jwk_set.h"
#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/followed_set.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/transaction.h"
#include "store/used_material.h"

/* What a set says of one key. */
typedef struct {
    whk_key_t key; /* as it shall be */
    int changed;   /* the set holds another key of this kid */
    int is_over;   /* it was away from the set that it came by for too long */
    const whk_caller_t *caller;
    const whk_secret_key_t *secret;
} finding_t;

static const whk_outcome_t *is_in_use(whk_store_t *store, apr_pool_t *pool, const whk_key_t *key,
                                      int *in_use)
{
    whk_key_t *other;

    WHK_TRY(whk_store_key_by_thumbprint(store, pool, key->enterprise_id, key->thumbprint, &other));
    *in_use = other && strcmp(other->key_id, key->key_id) != 0;
    return NULL;
}

/* Key material is used once in an enterprise, also where it comes by a set that may change: what
 * was replaced does not come back, to the key that had it no more than to another. */
static const whk_outcome_t *take_or_keep_material(whk_store_t *store, apr_pool_t *pool,
                                                  const whk_key_t *old, whk_key_t *key)
{
    int in_use;
    int first = 0;

    if (!strcmp(old->thumbprint, key->thumbprint))
        return NULL;
    WHK_TRY(is_in_use(store, pool, key, &in_use));
    if (!in_use)
        WHK_TRY(whk_store_material_use(store, pool, key->enterprise_id, key->thumbprint,
                                       key->key_id, &first));
    if (first)
        return NULL;
    key->jwk = old->jwk;
    key->thumbprint = old->thumbprint;
    key->algorithm = old->algorithm;
    key->remote_flaw = WHK_REMOTE_CHANGED;
    return NULL;
}

/* ---- keys that came by a set that is followed ---- */

/* The set has it no more, or another one in its place. */
static int is_away(const whk_key_t *key)
{
    return key->remote_flaw == WHK_REMOTE_GONE || key->remote_flaw == WHK_REMOTE_CHANGED;
}

/* Since when it is away. What a wrong clock wrote begins now. */
static apr_time_t gone_since(const whk_key_t *key, apr_time_t now)
{
    return key->gone && key->gone <= now + WHK_CLOCKS_APART ? key->gone : now;
}

/* It does not come back, whatever its set says now. */
static int is_over(const whk_key_t *key, apr_time_t now)
{
    return key->gone && now - gone_since(key, now) >= WHK_FOLLOWED_GRACE;
}

static const whk_outcome_t *append(whk_store_t *store, apr_pool_t *pool, const finding_t *finding,
                                   whk_enterprise_t *enterprise, whk_event_type_t type,
                                   const char *detail)
{
    return whk_audit_append(store, pool, finding->secret, enterprise, type, finding->key.key_id,
                            finding->caller, detail, whk_time_now());
}

/* Of a key by jwksUri alone nothing is written down but that it verifies nothing. */
static const whk_outcome_t *note_coming_and_going(whk_store_t *store, apr_pool_t *pool,
                                                  const finding_t *finding,
                                                  whk_enterprise_t *enterprise,
                                                  const whk_key_t *old, const whk_key_t *key)
{
    int was_gone = old->remote_flaw == WHK_REMOTE_GONE;

    if (!key->followed_by || was_gone == (key->remote_flaw == WHK_REMOTE_GONE))
        return NULL;
    if (!was_gone)
        return append(store, pool, finding, enterprise, WHK_EVENT_JWKS_URI_KEY_GONE,
                      key->thumbprint);
    return key->remote_flaw == WHK_REMOTE_GOOD
               ? append(store, pool, finding, enterprise, WHK_EVENT_JWKS_URI_KEY_RETURNED,
                        key->thumbprint)
               : NULL;
}

static const whk_outcome_t *end_key(whk_store_t *store, apr_pool_t *pool, const finding_t *finding,
                                    whk_enterprise_t *enterprise, const whk_key_t *old)
{
    whk_key_t key = *old;
    int revoked;

    key.status = WHK_KEY_STATUS_REVOKED;
    key.revokes = 0;
    key.revoked = whk_time_now();
    key.revoked_by = whk_caller_actor(finding->caller);
    WHK_TRY(whk_key_set_seal(pool, finding->secret, &key));
    WHK_TRY(whk_store_key_revoke(store, pool, &key, &revoked));
    if (!revoked)
        return NULL;
    if (enterprise->active_keys > 0)
        enterprise->active_keys--;
    enterprise->revision++;
    WHK_TRY(whk_audit_append(store, pool, finding->secret, enterprise, WHK_EVENT_KEY_REVOKED,
                             key.key_id, finding->caller, NULL, key.revoked));
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* ---- in a transaction ---- */

static const whk_outcome_t *update(whk_store_t *store, apr_pool_t *pool, const finding_t *finding,
                                   whk_enterprise_t *enterprise, const whk_key_t *old)
{
    const whk_key_t *found = &finding->key;
    whk_key_t key = *old;
    int updated;

    key.jwk = found->jwk;
    key.thumbprint = found->thumbprint;
    key.algorithm = found->algorithm;
    key.remote_flaw = found->remote_flaw;
    WHK_TRY(take_or_keep_material(store, pool, old, &key));
    if (key.followed_by)
        key.gone = is_away(&key) ? gone_since(old, whk_time_now()) : 0;
    if (old->remote_flaw == key.remote_flaw && old->gone == key.gone &&
        !strcmp(old->thumbprint, key.thumbprint))
        return NULL;
    WHK_TRY(whk_key_set_seal(pool, finding->secret, &key));
    WHK_TRY(whk_store_key_update_remote(store, pool, &key, &updated));
    enterprise->revision++;
    /* Once where it is refused, and again where it is taken after all. */
    if (finding->changed &&
        (old->remote_flaw != WHK_REMOTE_CHANGED || key.remote_flaw != WHK_REMOTE_CHANGED))
        WHK_TRY(append(store, pool, finding, enterprise, WHK_EVENT_JWKS_URI_KEY_CHANGED,
                       key.remote_flaw
                           ? WHK_AUDIT_REFUSED
                           : apr_pstrcat(pool, WHK_AUDIT_ACCEPTED, key.thumbprint, NULL)));
    WHK_TRY(note_coming_and_going(store, pool, finding, enterprise, old, &key));
    return whk_store_enterprise_update(store, pool, enterprise);
}

static const whk_outcome_t *record_finding(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const finding_t *finding = baton;
    const whk_key_t *found = &finding->key;
    whk_enterprise_t *enterprise;
    whk_key_t *old;

    WHK_TRY(whk_store_enterprise_lock(store, pool, found->enterprise_id, &enterprise));
    WHK_TRY(whk_store_key_get(store, pool, found->enterprise_id, found->key_id, &old));
    if (!enterprise || !old || old->status != WHK_KEY_STATUS_ACTIVE ||
        whk_key_is_due(old, whk_time_now()) || whk_key_flaw(pool, finding->secret, old))
        return NULL;
    return finding->is_over ? end_key(store, pool, finding, enterprise, old)
                            : update(store, pool, finding, enterprise, old);
}

static const whk_outcome_t *record(whk_registry_t *registry, finding_t *finding)
{
    const whk_outcome_t *outcome;

    finding->caller = whk_caller_background(registry->pool, finding->key.enterprise_id);
    finding->secret = registry->secret;
    outcome = whk_store_transaction(registry->store, registry->pool, record_finding, finding);
    whk_count_change(registry->counters, finding->key.enterprise_id);
    if (finding->is_over && !outcome)
        whk_metrics_count(WHK_REVOCATIONS, WHK_BY_BACKGROUND, 0);
    return outcome;
}

/* ---- what a set says ---- */

static void look_up(whk_registry_t *registry, const json_t *set, finding_t *finding)
{
    whk_key_t *key = &finding->key;
    const whk_jwk_t *jwk;
    const whk_outcome_t *outcome = whk_jwk_set_find_known(
        &jwk, set, key->key_id, key->thumbprint, registry->policy->algorithms, registry->pool);

    if (outcome) {
        if (whk_code_status(outcome->code) < 500)
            key->remote_flaw = WHK_REMOTE_GONE;
        return;
    }
    finding->changed = strcmp(jwk->thumbprint, key->thumbprint) != 0;
    key->remote_flaw = WHK_REMOTE_GOOD;
    if (finding->changed && registry->policy->jwks_uri_pin) {
        key->remote_flaw = WHK_REMOTE_CHANGED;
    } else if (finding->changed) {
        key->jwk = jwk->public_json;
        key->thumbprint = jwk->thumbprint;
        key->algorithm = jwk->family;
    }
}

static int is_news(const whk_key_t *key, const finding_t *finding)
{
    return finding->is_over || finding->key.remote_flaw != key->remote_flaw ||
           strcmp(finding->key.thumbprint, key->thumbprint) != 0 ||
           (key->gone && gone_since(key, apr_time_now()) != key->gone);
}

static const whk_outcome_t *rotate_key(whk_registry_t *registry, const whk_key_t *key,
                                       const json_t *set)
{
    finding_t finding = {.key = *key, .is_over = is_over(key, apr_time_now())};

    if (set)
        look_up(registry, set, &finding);
    else if (key->remote_flaw == WHK_REMOTE_GOOD)
        finding.key.remote_flaw = WHK_REMOTE_UNREACHABLE;
    return is_news(key, &finding) ? record(registry, &finding) : NULL;
}

const whk_outcome_t *whk_rotate_keys(whk_registry_t *registry, const apr_array_header_t *keys,
                                     const json_t *set, int (*is_stopping)(void *baton),
                                     void *baton)
{
    const whk_outcome_t *failure = NULL;
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        const whk_outcome_t *outcome;

        if (is_stopping(baton))
            return whk_fail(registry->pool, WHK_TOO_BUSY, WHK_LOGNO(0212) "this process ends");
        /* It verifies nothing, whatever its set says. */
        if (whk_key_is_set(key) || whk_key_is_due(key, whk_time_now()) ||
            whk_key_flaw(registry->pool, registry->secret, key))
            continue;
        outcome = rotate_key(registry, key, set);
        if (!failure)
            failure = outcome;
    }
    return failure;
}
