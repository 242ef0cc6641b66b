/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/remote_jwk_set.h"

#include "jose/json.h"
#include "jose/jwk_set.h"
#include "model/clock.h"
#include "model/log_number.h"

const whk_outcome_t *whk_remote_jwk_set_fetch(whk_registry_t *registry,
                                              const whk_fetch_owner_t *owner, const char *uri,
                                              const char *etag, whk_fetched_t *fetched)
{
    const whk_remote_t *remote = registry->remote;
    const whk_outcome_t *outcome;
    int place;

    if (!remote || !remote->fetcher)
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0219) "this process can't fetch a jwksUri: see what it logged "
                                        "when it started");
    place = remote->enter(remote->baton, owner->kind, owner->enterprise_id);
    if (!place)
        return whk_fail(
            registry->pool, WHK_TOO_BUSY,
            WHK_LOGNO(0220) "as many fetches of a jwksUri run as WebhookKeysMaxFetches lets%s%s",
            owner->enterprise_id ? " for enterprise " : " in the background",
            owner->enterprise_id ? owner->enterprise_id : "");
    outcome = whk_fetch(remote->fetcher, uri, etag, remote->stop, fetched, registry->pool);
    remote->leave(remote->baton, place);
    return outcome;
}

/* Nobody makes us ask more often than this. */
#define LIFETIME_LEAST apr_time_from_sec(5)

apr_interval_time_t whk_remote_lifetime(const whk_policy_t *policy, const whk_fetched_t *fetched)
{
    apr_interval_time_t most = policy->jwks_uri_refresh;

    if (fetched->max_age < 0 || fetched->max_age >= apr_time_sec(most) || most <= LIFETIME_LEAST)
        return most;
    return fetched->max_age > apr_time_sec(LIFETIME_LEAST) ? apr_time_from_sec(fetched->max_age)
                                                           : LIFETIME_LEAST;
}

apr_interval_time_t whk_remote_fresh_for(apr_time_t fresh_until, apr_time_t now,
                                         apr_interval_time_t most)
{
    apr_interval_time_t left = fresh_until - now;

    if (left > most + WHK_CLOCKS_APART)
        return 0;
    return left < most ? left : most;
}

const whk_outcome_t *whk_remote_jwk_set_read(whk_registry_t *registry,
                                             const whk_fetch_owner_t *owner, const char *uri,
                                             json_t **set, apr_interval_time_t *lifetime)
{
    whk_fetched_t fetched;

    WHK_TRY(whk_remote_jwk_set_fetch(registry, owner, uri, NULL, &fetched));
    *lifetime = whk_remote_lifetime(registry->policy, &fetched);
    return whk_json_parse(set, fetched.body, fetched.length, "the key set", registry->pool)
               ? whk_refuse(registry->pool, WHK_INVALID_JWKS,
                            "what jwksUri leads to is not valid JSON: it must be a JWK Set")
               : NULL;
}

const whk_outcome_t *whk_remote_jwk_find(whk_registry_t *registry, const whk_fetch_owner_t *owner,
                                         const char *uri, const char *key_id, const whk_jwk_t **jwk,
                                         apr_interval_time_t *lifetime)
{
    json_t *set;

    WHK_TRY(whk_remote_jwk_set_read(registry, owner, uri, &set, lifetime));
    return whk_jwk_set_find(jwk, set, key_id, registry->policy->algorithms, registry->pool);
}
