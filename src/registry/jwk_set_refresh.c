/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/jwk_set_refresh.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/json.h"
#include "metrics/key_set_states.h"
#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/followed_refresh.h"
#include "registry/jwk_rotation.h"
#include "registry/key_notices.h"
#include "registry/remote_jwk_set.h"
#include "registry/seal.h"
#include "store/keys.h"
#include "store/remote_sets.h"

/* Longer than any fetch takes: WebhookKeysJwksUriTimeout is at most 60 s. */
#define LEASE apr_time_from_sec(90)

/* Of one call: then others get their turn at the connection. */
#define SETS_MOST 16

#define BACK_OFF_FIRST apr_time_from_sec(5)
#define BACK_OFF_DOUBLINGS 6

/* No place for a fetch was free, or the fault is ours. */
#define TRY_AGAIN apr_time_from_sec(1)

/* After so many in a row, which is minutes, somebody is told. */
#define FAILURES_TOLD 5

static const whk_outcome_t *rotate(whk_registry_t *registry, const whk_refresh_t *refresh,
                                   const apr_array_header_t *keys, const json_t *set)
{
    return whk_rotate_keys(registry, keys, set, refresh->is_stopping, refresh->baton);
}

/* 304 says that the set is as it was, and so are its keys: not where that was no good, or where
 * somebody else says what it was. */
static const char *etag_for(const whk_registry_t *registry, const whk_remote_set_t *set,
                            const apr_array_header_t *keys)
{
    int i;

    for (i = 0; i < keys->nelts; i++)
        if (APR_ARRAY_IDX(keys, i, const whk_key_t *)->remote_flaw != WHK_REMOTE_GOOD)
            return NULL;
    if (set->failures || !set->etag || whk_etag_flaw(registry->pool, registry->secret, set))
        return NULL;
    return set->etag;
}

/* Not all sets of a node at once. */
static apr_interval_time_t jitter(apr_interval_time_t interval)
{
    apr_uint32_t random = 0;

    whk_random(&random, sizeof(random));
    return interval - interval / 10 * (random % 100) / 100;
}

static const whk_outcome_t *fetch(whk_registry_t *registry, const whk_remote_set_t *set,
                                  const char *etag, whk_fetched_t *fetched, json_t **json)
{
    static const whk_fetch_owner_t background = {WHK_FETCH_BACKGROUND, NULL};

    *json = NULL;
    WHK_TRY(whk_remote_jwk_set_fetch(registry, &background, set->uri, etag, fetched));
    if (fetched->not_modified)
        return NULL;
    if (whk_json_parse(json, fetched->body, fetched->length, "the key set", registry->pool) ||
        !json_is_array(json_object_get(*json, "keys")))
        return whk_refuse(registry->pool, WHK_INVALID_JWKS, "what it leads to is no JWK Set");
    return NULL;
}

static const char *without_query(const char *uri, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, uri, strcspn(uri, "?"));
}

static int is_followed(const apr_array_header_t *keys)
{
    int i;

    for (i = 0; i < keys->nelts; i++)
        if (whk_key_is_set(APR_ARRAY_IDX(keys, i, const whk_key_t *)))
            return 1;
    return 0;
}

/* Where each answer may bring new keys and take some away, the origin does not make us look more
 * often than this. */
#define FOLLOWED_LIFETIME_LEAST apr_time_from_sec(60)

static apr_interval_time_t lifetime_of(const whk_registry_t *registry,
                                       const apr_array_header_t *keys, const whk_fetched_t *fetched)
{
    apr_interval_time_t lifetime = whk_remote_lifetime(registry->policy, fetched);
    apr_interval_time_t most = registry->policy->jwks_uri_refresh;
    apr_interval_time_t least = most < FOLLOWED_LIFETIME_LEAST ? most : FOLLOWED_LIFETIME_LEAST;

    return lifetime < least && is_followed(keys) ? least : lifetime;
}

/* What goes wrong with one enterprise's row keeps nothing from the others.
 * @param missed the first failure to take what is new: no key that is there depends on it
 * @return the first failure to write down what became of a key, without which the set must not be
 *         good for longer */
static const whk_outcome_t *take_over(whk_registry_t *registry, const whk_refresh_t *refresh,
                                      const apr_array_header_t *keys, const json_t *json,
                                      int *complete, const whk_outcome_t **missed)
{
    const whk_outcome_t *outcome = rotate(registry, refresh, keys, json);

    if (outcome && refresh->is_stopping(refresh->baton))
        return outcome;
    *missed = whk_followed_sets_refresh(registry, keys, json, refresh->is_stopping, refresh->baton,
                                        complete);
    return outcome;
}

static const whk_outcome_t *note_success(whk_registry_t *registry, const whk_refresh_t *refresh,
                                         whk_remote_set_t *set, const apr_array_header_t *keys,
                                         const whk_fetched_t *fetched, const json_t *json)
{
    apr_interval_time_t lifetime = lifetime_of(registry, keys, fetched);
    apr_time_t now = apr_time_now();
    const whk_outcome_t *missed = NULL;
    int complete = 1;

    if (json)
        WHK_TRY(take_over(registry, refresh, keys, json, &complete, &missed));
    if (missed && refresh->is_stopping(refresh->baton))
        return missed;
    whk_key_set_states_note(without_query(set->uri, registry->pool), NULL,
                            fetched->date ? fetched->date - now : 0);
    if (set->failures)
        refresh->report(refresh->baton, without_query(set->uri, registry->pool), NULL);
    if (!fetched->not_modified || fetched->etag)
        set->etag = complete ? fetched->etag : NULL;
    set->etag_seal = whk_etag_seal(registry->pool, registry->secret, set);
    set->failures = 0;
    set->fresh_until = now + lifetime;
    set->refresh_at = now + jitter(WHK_REFRESH_AHEAD(lifetime));
    WHK_TRY(whk_store_remote_set_update(registry->store, registry->pool, set));
    return missed;
}

static apr_interval_time_t back_off(const whk_registry_t *registry, apr_int64_t failures)
{
    apr_interval_time_t most = registry->policy->jwks_uri_refresh;
    apr_interval_time_t wait = BACK_OFF_FIRST
                               << (failures > BACK_OFF_DOUBLINGS ? BACK_OFF_DOUBLINGS : failures);

    return jitter(wait < most ? wait : most);
}

/* When it is too old: whatever kept it from being fetched. What a wrong clock wrote is good from
 * now on for no longer than what was good until now. */
static apr_time_t end_of(const whk_registry_t *registry, const whk_refresh_t *refresh,
                         whk_remote_set_t *set, apr_time_t now)
{
    apr_interval_time_t left =
        whk_remote_fresh_for(set->fresh_until, now, registry->policy->jwks_uri_refresh);

    if (set->fresh_until > now + left)
        set->fresh_until = now + left;
    return set->fresh_until + refresh->max_stale;
}

static int any_good(const apr_array_header_t *keys)
{
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        if (!whk_key_is_set(key) && key->remote_flaw == WHK_REMOTE_GOOD)
            return 1;
    }
    return 0;
}

static const whk_outcome_t *note_failure(whk_registry_t *registry, const whk_refresh_t *refresh,
                                         whk_remote_set_t *set, const apr_array_header_t *keys,
                                         const whk_outcome_t *failure)
{
    apr_time_t now = apr_time_now();
    apr_time_t end = end_of(registry, refresh, set, now);

    if (now > end)
        WHK_TRY(rotate(registry, refresh, keys, NULL));
    whk_key_set_states_note(without_query(set->uri, registry->pool), whk_code_name(failure->code),
                            0);
    if (!set->failures)
        refresh->report(refresh->baton, without_query(set->uri, registry->pool), failure);
    set->refresh_at = now + back_off(registry, set->failures);
    /* The moment at which it ends to be good is not slept through. */
    if (now <= end && set->refresh_at > end)
        set->refresh_at = end + apr_time_from_msec(1);
    set->failures++;
    if (set->failures == FAILURES_TOLD)
        WHK_TRY(whk_write_unreachable(registry, keys, whk_code_name(failure->code)));
    return whk_store_remote_set_update(registry->store, registry->pool, set);
}

/* The fault is ours, not the set's: it tells nothing of its keys, but their time passes. */
static const whk_outcome_t *note_untried(whk_registry_t *registry, const whk_refresh_t *refresh,
                                         whk_remote_set_t *set, const apr_array_header_t *keys,
                                         const whk_outcome_t *failure)
{
    apr_time_t now = apr_time_now();

    if (now > end_of(registry, refresh, set, now) && any_good(keys)) {
        WHK_TRY(rotate(registry, refresh, keys, NULL));
        refresh->report(refresh->baton, without_query(set->uri, registry->pool), failure);
    }
    set->refresh_at = now + TRY_AGAIN;
    return whk_store_remote_set_update(registry->store, registry->pool, set);
}

static const whk_outcome_t *refresh_keys(whk_registry_t *registry, const whk_refresh_t *refresh,
                                         whk_remote_set_t *set, const apr_array_header_t *keys)
{
    whk_fetched_t fetched;
    json_t *json;
    const whk_outcome_t *outcome;

    memset(&fetched, 0, sizeof(fetched));
    outcome = fetch(registry, set, etag_for(registry, set, keys), &fetched, &json);
    if (!outcome)
        return note_success(registry, refresh, set, keys, &fetched, json);
    return whk_code_status(outcome->code) >= 500
               ? note_untried(registry, refresh, set, keys, outcome)
               : note_failure(registry, refresh, set, keys, outcome);
}

/* Nobody's webhook waits for the others. */
static void drop_due(apr_array_header_t *keys)
{
    apr_time_t now = whk_time_now();
    int kept = 0;
    int i;

    for (i = 0; i < keys->nelts; i++)
        if (!whk_key_is_due(APR_ARRAY_IDX(keys, i, const whk_key_t *), now))
            APR_ARRAY_IDX(keys, kept++, whk_key_t *) = APR_ARRAY_IDX(keys, i, whk_key_t *);
    keys->nelts = kept;
}

static const whk_outcome_t *refresh_set(whk_registry_t *registry, const whk_refresh_t *refresh,
                                        whk_remote_set_t *set)
{
    apr_array_header_t *keys;
    const whk_outcome_t *outcome;

    WHK_TRY(whk_store_key_list_by_uri(registry->store, registry->pool, set->uri, &keys));
    drop_due(keys);
    if (!keys->nelts) {
        /* Not for ever: a key may be registered at this moment. */
        set->refresh_at = apr_time_now() + registry->policy->jwks_uri_refresh;
        return whk_store_remote_set_update(registry->store, registry->pool, set);
    }
    outcome = refresh_keys(registry, refresh, set, keys);
    if (!outcome || !refresh->is_stopping(refresh->baton))
        return outcome;
    /* Not done: it is somebody else's now. */
    set->refresh_at = apr_time_now();
    return whk_store_remote_set_update(registry->store, registry->pool, set);
}

/* `done` is set where nothing is due. */
static const whk_outcome_t *refresh_next(whk_registry_t *registry, const whk_refresh_t *refresh,
                                         int *done)
{
    apr_time_t now = apr_time_now();
    apr_interval_time_t most = registry->policy->jwks_uri_refresh;
    const whk_due_t due = {now, now + most + WHK_CLOCKS_APART, now + LEASE + WHK_CLOCKS_APART};
    whk_remote_set_t *set;
    int leased;

    WHK_TRY(whk_store_remote_set_due(registry->store, registry->pool, &due, &set));
    *done = !set;
    if (!set)
        return NULL;
    WHK_TRY(whk_store_remote_set_lease(registry->store, registry->pool, set, &due, now + LEASE,
                                       &leased));
    return leased ? refresh_set(registry, refresh, set) : NULL;
}

const whk_outcome_t *whk_refresh_due_sets(whk_registry_t *registry, const whk_refresh_t *refresh)
{
    int done = 0;
    int i;

    for (i = 0; i < SETS_MOST && !done && !refresh->is_stopping(refresh->baton); i++)
        WHK_TRY(refresh_next(registry, refresh, &done));
    return NULL;
}
