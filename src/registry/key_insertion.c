/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_insertion.h"

#include <apr_strings.h>

#include "model/log_number.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/seal.h"
#include "store/keys.h"
#include "store/used_material.h"

const whk_outcome_t *whk_key_make(apr_pool_t *pool, const whk_secret_key_t *secret,
                                  const whk_caller_t *caller, const whk_key_wish_t *wish,
                                  whk_key_t **key)
{
    const whk_jwk_t *jwk = wish->jwk;
    whk_key_t *made = apr_pcalloc(pool, sizeof(*made));

    made->id = whk_uuid(pool);
    if (!made->id)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0216) "the system gives no random bytes");
    made->enterprise_id = whk_caller_enterprise(caller);
    made->key_id = wish->key_id;
    made->key_name = wish->key_name ? wish->key_name : wish->key_id;
    made->algorithm = jwk ? jwk->family : "";
    made->jwks_uri = wish->jwks_uri;
    made->jwk = jwk ? jwk->public_json : WHK_SET_JWK;
    made->thumbprint = jwk ? jwk->thumbprint : apr_pstrcat(pool, wish->thumbprint, made->id, NULL);
    made->status = WHK_KEY_STATUS_ACTIVE;
    made->revokes = wish->revokes;
    made->created = whk_time_now();
    made->created_by = whk_caller_actor(caller);
    *key = made;
    return whk_key_set_seal(pool, secret, made);
}

const whk_outcome_t *whk_material_in_use(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_KEY_MATERIAL_IN_USE,
                      "this enterprise had this public key before under another keyId: make a new "
                      "key pair");
}

static const whk_outcome_t *is_material_used(whk_store_t *store, apr_pool_t *pool,
                                             const whk_insertion_t *insertion, const whk_key_t *key,
                                             int *used)
{
    const char *user;
    whk_key_t *other;

    WHK_TRY(whk_store_key_by_thumbprint(store, pool, key->enterprise_id, key->thumbprint, &other));
    if (other)
        WHK_TRY(whk_key_check(pool, insertion->secret, other));
    WHK_TRY(whk_store_material_get(store, pool, key->enterprise_id, key->thumbprint, &user));
    *used = other || user;
    return NULL;
}

static const whk_outcome_t *refusal_of_duplicate(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_insertion_t *insertion,
                                                 const whk_key_t *key,
                                                 const whk_outcome_t **refusal)
{
    whk_key_t *other;
    int used;

    *refusal = NULL;
    WHK_TRY(whk_store_key_get(store, pool, key->enterprise_id, key->key_id, &other));
    if (other) {
        WHK_TRY(whk_key_check(pool, insertion->secret, other));
        *refusal = whk_refuse(pool, WHK_KEY_ID_TAKEN,
                              "this keyId was registered before, and a keyId is used once, even "
                              "after its key was revoked: choose another");
        return NULL;
    }
    WHK_TRY(is_material_used(store, pool, insertion, key, &used));
    if (used)
        *refusal = whk_material_in_use(pool);
    return NULL;
}

static const whk_outcome_t *use_material(whk_store_t *store, apr_pool_t *pool, const whk_key_t *key)
{
    int first;

    return whk_store_material_use(store, pool, key->enterprise_id, key->thumbprint, key->key_id,
                                  &first);
}

static const whk_outcome_t *number_taken(apr_pool_t *pool, const whk_key_t *key)
{
    return whk_fail(
        pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0215) "the row of enterprise %s does not know of its key number %" APR_INT64_T_FMT
                        ": run whkctl audit verify",
        key->enterprise_id, key->number);
}

/* Keys whose planned time has come leave their places before their rows tell so. */
static const whk_outcome_t *check_room(whk_store_t *store, apr_pool_t *pool,
                                       const whk_insertion_t *insertion, int *is_full)
{
    const whk_enterprise_t *enterprise = insertion->enterprise;
    apr_array_header_t *due;

    *is_full = enterprise->active_keys >= insertion->max_active;
    if (!*is_full)
        return NULL;
    WHK_TRY(whk_store_key_due_numbers(store, pool, enterprise->id, whk_time_now(), &due));
    *is_full = enterprise->active_keys - due->nelts >= insertion->max_active;
    return NULL;
}

/* A full enterprise learns of a duplicate all the same: the rules have an order, and the limit is
 * the last of them. */
const whk_outcome_t *whk_key_insert(whk_store_t *store, apr_pool_t *pool,
                                    const whk_insertion_t *insertion, whk_key_t *key,
                                    const whk_outcome_t **refusal)
{
    whk_enterprise_t *enterprise = insertion->enterprise;
    int is_full;
    int inserted = 0;

    *refusal = NULL;
    WHK_TRY(check_room(store, pool, insertion, &is_full));
    if (enterprise->key_count == APR_INT64_MAX)
        return number_taken(pool, key);
    key->number = enterprise->key_count + 1;
    if (!is_full)
        WHK_TRY(whk_store_key_insert(store, pool, key, &inserted));
    if (inserted) {
        enterprise->key_count++;
        enterprise->active_keys++;
        enterprise->revision++;
        return use_material(store, pool, key);
    }
    WHK_TRY(refusal_of_duplicate(store, pool, insertion, key, refusal));
    if (!*refusal && !is_full)
        return number_taken(pool, key);
    if (!*refusal)
        *refusal =
            whk_refuse(pool, WHK_ACTIVE_KEY_LIMIT,
                       "this enterprise has %d ACTIVE keys, as many as it may: revoke one first",
                       insertion->max_active);
    return NULL;
}
