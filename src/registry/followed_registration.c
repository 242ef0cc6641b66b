/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/followed_registration.h"

#include <string.h>

#include "registry/remote_jwk_set.h"

/* Where sets are not followed, a keyId that would name one is refused rather than looked for: it
 * must not mean another thing where the directive is turned on later. */
static const whk_outcome_t *check_name(const whk_registry_t *registry, const char *key_id)
{
    if (!registry->policy->jwks_uri_follow)
        return whk_refuse(registry->pool, WHK_INVALID_REQUEST,
                          "keyId with jwksUri must name one key of the set by its kid: this "
                          "service follows no set as a whole");
    if (!strcmp(key_id, "*:"))
        return whk_refuse(registry->pool, WHK_INVALID_REQUEST,
                          "keyId must be * or *: and a name, to follow the set at jwksUri");
    return NULL;
}

const whk_outcome_t *whk_followed_set_find(whk_registry_t *registry, const whk_caller_t *caller,
                                           const char *key_id, const char *uri,
                                           apr_array_header_t **members,
                                           apr_interval_time_t *lifetime)
{
    const whk_fetch_owner_t owner = {WHK_FETCH_REGISTER, whk_caller_enterprise(caller)};
    json_t *set;

    WHK_TRY(check_name(registry, key_id));
    WHK_TRY(whk_remote_jwk_set_read(registry, &owner, uri, &set, lifetime));
    WHK_TRY(whk_followed_set_members(registry, set, members));
    return (*members)->nelts
               ? NULL
               : whk_refuse(registry->pool, WHK_JWKS_URI_NO_SUCH_KEY,
                            "the set at jwksUri holds no public key that could be registered: each "
                            "needs a kid that no other has, and an algorithm that is on");
}

const whk_outcome_t *whk_followed_set_begin(whk_store_t *store, apr_pool_t *pool,
                                            const whk_insertion_t *insertion,
                                            const whk_caller_t *caller, const whk_key_t *parent,
                                            const apr_array_header_t *members)
{
    whk_followed_take_t take = {
        .parent = parent, .caller = caller, .members = members, .all_or_none = 1};

    WHK_TRY(whk_followed_set_take(store, pool, insertion, &take));
    return take.taken ? NULL
                      : whk_refuse(pool, WHK_JWKS_URI_NO_SUCH_KEY,
                                   "this enterprise had each key of the set at jwksUri before, or "
                                   "another of its kid: publish new ones first");
}
