#include "registry/remote_jwk.h"

#include "jose/json.h"

static const whk_outcome_t *fetch(whk_registry_t *registry, const char *uri, whk_fetched_t *fetched)
{
    const whk_remote_t *remote = registry->remote;
    const whk_outcome_t *outcome;

    if (!remote || !remote->fetcher)
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        "this process can't fetch a jwksUri: see what it logged when it started");
    if (!remote->enter(remote->baton))
        return whk_fail(registry->pool, WHK_TOO_BUSY,
                        "as many fetches of a jwksUri run as WebhookKeysMaxFetches lets");
    outcome = whk_fetch(remote->fetcher, uri, NULL, fetched, registry->pool);
    remote->leave(remote->baton);
    return outcome;
}

const whk_outcome_t *whk_remote_jwk(whk_registry_t *registry, const char *uri, const char *key_id,
                                    const whk_jwk_t **jwk)
{
    whk_fetched_t fetched;
    json_t *set;

    WHK_TRY(fetch(registry, uri, &fetched));
    if (whk_json_parse(&set, fetched.body, fetched.length, "the key set", registry->pool))
        return whk_refuse(registry->pool, WHK_INVALID_JWKS,
                          "what jwksUri leads to is not valid JSON: it must be a JWK Set");
    return whk_jwk_set_find(jwk, set, key_id, registry->policy->algorithms, registry->pool);
}
