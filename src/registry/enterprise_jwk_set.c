/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/enterprise_jwk_set.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/json.h"
#include "jose/jwk.h"
#include "model/log_number.h"
#include "model/timestamp.h"
#include "registry/followed_set.h"
#include "registry/seal.h"
#include "store/keys.h"

/* As JWS names it. Of an RSA key, good for several: the first that is on. NULL: none is. */
static const char *alg_of(const whk_jwk_t *jwk, whk_algorithms_t enabled, apr_pool_t *pool)
{
    int is_rsa = (jwk->algorithms & WHK_ALGORITHMS_RSA) != 0;
    const char *names =
        whk_algorithms_names(pool, is_rsa ? jwk->algorithms & enabled : jwk->algorithms);

    if (jwk->algorithms & (WHK_ALG_EDDSA | WHK_ALG_ED448))
        return "EdDSA";
    return *names ? apr_pstrmemdup(pool, names, strcspn(names, " ")) : NULL;
}

static const whk_outcome_t *unreadable(const whk_key_t *key, apr_pool_t *pool)
{
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0204) "key %s of enterprise %s can't be read: its row was changed, "
                                    "or OpenSSL lacks its algorithm",
                    key->key_id, key->enterprise_id);
}

static const whk_outcome_t *add(json_t *members, const whk_key_t *key, whk_algorithms_t enabled,
                                apr_pool_t *pool)
{
    const whk_jwk_t *jwk = whk_jwk_load(key->jwk, pool);
    json_t *member = jwk ? json_loads(key->jwk, 0, NULL) : NULL;
    const char *alg;

    if (!member)
        return unreadable(key, pool);
    json_array_append_new(members, member);
    alg = alg_of(jwk, enabled, pool);
    if (alg && !json_object_get(member, "alg"))
        json_object_set_new(member, "alg", json_string(alg));
    if (json_object_set_new(member, "kid", json_string(key->key_id)) ||
        json_object_set_new(member, "use", json_string("sig")))
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0205) "out of memory for a key set");
    return NULL;
}

/* When a key stops by itself: planned for it, or for the set that it came by. 0: never. */
static apr_time_t end_of(const whk_key_t *key, const whk_key_t *set)
{
    if (!set || !set->revokes || (key->revokes && key->revokes < set->revokes))
        return key->revokes;
    return set->revokes;
}

/* A key that came by a set that is followed is listed while it verifies: nobody asked for it by its
 * name, so nobody looks after it. */
static int is_listed(const whk_key_t *key, const whk_key_t *set, apr_time_t now)
{
    if (whk_key_is_set(key) || whk_key_is_due(key, now))
        return 0;
    return !key->followed_by ||
           (key->remote_flaw == WHK_REMOTE_GOOD && set && !whk_key_is_due(set, now));
}

const whk_outcome_t *whk_jwk_set(whk_registry_t *registry, const whk_caller_t *caller, json_t **set,
                                 apr_time_t *until)
{
    json_t *members = json_array();
    apr_time_t now = whk_time_now();
    apr_array_header_t *keys;
    int i;

    *until = 0;

    *set = whk_json_adopt(registry->pool, json_pack("{s:o}", "keys", members));
    WHK_TRY(whk_store_key_list_active(registry->store, registry->pool,
                                      whk_caller_enterprise(caller), &keys));
    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        const whk_key_t *parent;
        apr_time_t end;

        WHK_TRY(whk_key_check(registry->pool, registry->secret, key));
        parent = key->followed_by ? whk_followed_set_of(keys, key) : NULL;
        if (!is_listed(key, parent, now))
            continue;
        end = end_of(key, parent);
        if (end && (!*until || end < *until))
            *until = end;
        WHK_TRY(add(members, key, registry->policy->algorithms, registry->pool));
    }
    return NULL;
}
