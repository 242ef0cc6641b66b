/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_import.h"

#include <apr_hash.h>
#include <limits.h>
#include <string.h>

#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/authorize.h"
#include "registry/key_insertion.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/remote_sets.h"
#include "store/transaction.h"
#include "store/used_material.h"

typedef struct {
    const whk_secret_key_t *secret;
    const apr_array_header_t *imports;
    int makes_enterprises;
} work_t;

/* An enterprise of this transaction, locked. */
typedef struct {
    whk_enterprise_t *row;
    int is_changed;
} place_t;

/* ---- enterprises ---- */

static const whk_outcome_t *lock(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                 const char *id, whk_enterprise_t **row)
{
    int added;

    WHK_TRY(whk_store_enterprise_lock(store, pool, id, row));
    if (*row || !work->makes_enterprises)
        return NULL;
    WHK_TRY(whk_store_enterprise_add(store, pool, id, id, whk_time_now(), &added));
    return whk_store_enterprise_lock(store, pool, id, row);
}

/* NULL where there is none of that id. */
static const whk_outcome_t *find_place(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                       apr_hash_t *places, const char *id, place_t **place)
{
    whk_enterprise_t *row;

    *place = apr_hash_get(places, id, APR_HASH_KEY_STRING);
    if (*place)
        return NULL;
    WHK_TRY(lock(store, pool, work, id, &row));
    if (!row)
        return NULL;
    *place = apr_pcalloc(pool, sizeof(**place));
    (*place)->row = row;
    apr_hash_set(places, id, APR_HASH_KEY_STRING, *place);
    return NULL;
}

static const whk_outcome_t *leave_places(whk_store_t *store, apr_pool_t *pool, apr_hash_t *places)
{
    apr_hash_index_t *index;
    void *value;

    for (index = apr_hash_first(pool, places); index; index = apr_hash_next(index)) {
        const place_t *place;

        apr_hash_this(index, NULL, NULL, &value);
        place = value;
        if (place->is_changed)
            WHK_TRY(whk_store_enterprise_update(store, pool, place->row));
    }
    return NULL;
}

/* ---- one key ---- */

/* A key by URI may have another one by now; what never verifies again is the key itself. */
static int is_same_material(const whk_key_t *there, const whk_key_import_t *import)
{
    int is_by_uri = !import->is_revoked && (import->jwks_uri || there->jwks_uri);

    if (is_by_uri)
        return import->jwks_uri && there->jwks_uri && !strcmp(import->jwks_uri, there->jwks_uri) &&
               whk_key_is_set(there) == !import->jwk;
    return import->jwk && !strcmp(import->jwk->thumbprint, there->thumbprint);
}

/* Of a keyId that is only to be used up, whatever used it up. What the file does not plan may be
 * planned here. */
static int is_as_wanted(const whk_key_t *there, const whk_key_import_t *import)
{
    int is_revoked = there->status == WHK_KEY_STATUS_REVOKED;

    return is_revoked == import->is_revoked &&
           ((is_revoked && !import->jwk) || is_same_material(there, import)) &&
           (is_revoked || !import->revokes || import->revokes == there->revokes);
}

static const whk_outcome_t *refusal_of(apr_pool_t *pool, const whk_key_t *there,
                                       const whk_key_import_t *import)
{
    if (there->status == WHK_KEY_STATUS_REVOKED && !import->is_revoked)
        return whk_refuse(pool, WHK_KEY_ID_TAKEN,
                          "this keyId is REVOKED here: it is used up for ever");
    if (import->is_revoked && there->status == WHK_KEY_STATUS_ACTIVE &&
        (!import->jwk || is_same_material(there, import)))
        return whk_refuse(pool, WHK_KEY_ID_TAKEN,
                          "this key is ACTIVE here: revoke it by whkctl key revoke");
    if (!import->is_revoked && is_same_material(there, import))
        return whk_refuse(pool, WHK_KEY_ID_TAKEN,
                          "this key is here, and is to be revoked at another time, or never: plan "
                          "it by whkctl key revoke --at");
    return whk_refuse(pool, WHK_KEY_ID_TAKEN, "this keyId is another key's here");
}

/* Whether its keyId is used here, and by what. */
static const whk_outcome_t *look_for_it(whk_store_t *store, apr_pool_t *pool,
                                        const whk_secret_key_t *secret, whk_key_import_t *import)
{
    whk_key_t *there;

    WHK_TRY(whk_store_key_get(store, pool, whk_caller_enterprise(import->caller), import->key_id,
                              &there));
    if (!there)
        return NULL;
    import->refusal = whk_key_check(pool, secret, there);
    if (import->refusal)
        return NULL;
    whk_key_settle(there, whk_time_now());
    if (is_as_wanted(there, import))
        import->result = WHK_IMPORT_THERE;
    else
        import->refusal = refusal_of(pool, there, import);
    return NULL;
}

static const whk_outcome_t *append(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                   const whk_key_import_t *import, whk_enterprise_t *enterprise,
                                   whk_event_type_t type, const char *detail, apr_time_t when)
{
    return whk_audit_append(store, pool, work->secret, enterprise, type, import->key_id,
                            import->caller, detail, when);
}

static const whk_outcome_t *revoke_key(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                       const whk_key_import_t *import, whk_enterprise_t *enterprise,
                                       whk_key_t *key)
{
    int revoked;

    key->status = WHK_KEY_STATUS_REVOKED;
    key->revoked = key->created;
    key->revoked_by = key->created_by;
    WHK_TRY(whk_key_set_seal(pool, work->secret, key));
    WHK_TRY(whk_store_key_revoke(store, pool, key, &revoked));
    enterprise->active_keys--;
    return append(store, pool, work, import, enterprise, WHK_EVENT_KEY_REVOKED, NULL, key->revoked);
}

static const whk_outcome_t *note(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                 const whk_key_import_t *import, whk_enterprise_t *enterprise,
                                 whk_key_t *key)
{
    WHK_TRY(append(store, pool, work, import, enterprise, WHK_EVENT_KEY_REGISTERED, key->thumbprint,
                   key->created));
    if (import->is_revoked)
        return revoke_key(store, pool, work, import, enterprise, key);
    if (key->revokes)
        WHK_TRY(append(store, pool, work, import, enterprise, WHK_EVENT_REVOCATION_PLANNED,
                       whk_time_format(pool, key->revokes), key->created));
    /* To be fetched at once, and good from then on. */
    return key->jwks_uri
               ? whk_store_remote_set_add(store, pool, key->jwks_uri, key->created, key->created)
               : NULL;
}

static const whk_outcome_t *insert(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                   whk_key_import_t *import, place_t *place)
{
    const whk_insertion_t insertion = {work->secret, INT_MAX, place->row};
    const whk_key_wish_t wish = {import->key_id,
                                 import->key_name,
                                 import->is_revoked ? NULL : import->jwks_uri,
                                 import->jwk,
                                 import->is_revoked ? WHK_BURNT_THUMBPRINT : WHK_SET_THUMBPRINT,
                                 import->is_revoked ? 0 : import->revokes};
    whk_key_t *key;

    WHK_TRY(whk_key_make(pool, work->secret, import->caller, &wish, &key));
    WHK_TRY(whk_key_insert(store, pool, &insertion, key, &import->refusal));
    if (!import->refusal) {
        place->is_changed = 1;
        return note(store, pool, work, import, place->row, key);
    }
    if (import->refusal->code != WHK_KEY_ID_TAKEN)
        return NULL;
    import->refusal = NULL;
    return look_for_it(store, pool, work->secret, import);
}

static const whk_outcome_t *no_enterprise(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_INVALID_REQUEST, "there is no such enterprise");
}

static const whk_outcome_t *import_one(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                       apr_hash_t *places, whk_key_import_t *import)
{
    place_t *place;

    import->result = WHK_IMPORT_DONE;
    import->refusal = NULL;
    WHK_TRY(find_place(store, pool, work, places, whk_caller_enterprise(import->caller), &place));
    if (place)
        WHK_TRY(insert(store, pool, work, import, place));
    else
        import->refusal = no_enterprise(pool);
    if (import->refusal)
        import->result = WHK_IMPORT_REFUSED;
    return NULL;
}

static const whk_outcome_t *import_all(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const work_t *work = baton;
    apr_hash_t *places = apr_hash_make(pool);
    int i;

    for (i = 0; i < work->imports->nelts; i++)
        WHK_TRY(import_one(store, pool, work, places,
                           APR_ARRAY_IDX(work->imports, i, whk_key_import_t *)));
    return leave_places(store, pool, places);
}

static const whk_outcome_t *check_callers(apr_pool_t *pool, const apr_array_header_t *imports)
{
    int i;

    for (i = 0; i < imports->nelts; i++)
        WHK_TRY(whk_caller_check_complete(
            pool, APR_ARRAY_IDX(imports, i, const whk_key_import_t *)->caller));
    return NULL;
}

const whk_outcome_t *whk_import_keys(whk_registry_t *registry, const apr_array_header_t *imports,
                                     int makes_enterprises)
{
    work_t work = {registry->secret, imports, makes_enterprises};

    WHK_TRY(check_callers(registry->pool, imports));
    return whk_store_transaction(registry->store, registry->pool, import_all, &work);
}

/* ---- a trial ---- */

static const whk_outcome_t *look_at_material(whk_registry_t *registry, whk_key_import_t *import)
{
    const char *key_id;

    if (!import->jwk)
        return NULL;
    WHK_TRY(whk_store_material_get(registry->store, registry->pool,
                                   whk_caller_enterprise(import->caller), import->jwk->thumbprint,
                                   &key_id));
    if (key_id)
        import->refusal = whk_material_in_use(registry->pool);
    return NULL;
}

static const whk_outcome_t *look_for_enterprise(whk_registry_t *registry, apr_hash_t *known,
                                                const char *id, int *is_there)
{
    whk_enterprise_t *row;

    *is_there = apr_hash_get(known, id, APR_HASH_KEY_STRING) != NULL;
    if (*is_there)
        return NULL;
    WHK_TRY(whk_store_enterprise_get(registry->store, registry->pool, id, &row));
    if (row)
        apr_hash_set(known, row->id, APR_HASH_KEY_STRING, row);
    *is_there = row != NULL;
    return NULL;
}

static const whk_outcome_t *try_one(whk_registry_t *registry, apr_hash_t *known,
                                    int makes_enterprises, whk_key_import_t *import)
{
    int is_there;

    import->result = WHK_IMPORT_DONE;
    import->refusal = NULL;
    WHK_TRY(look_for_enterprise(registry, known, whk_caller_enterprise(import->caller), &is_there));
    if (is_there)
        WHK_TRY(look_for_it(registry->store, registry->pool, registry->secret, import));
    else if (!makes_enterprises)
        import->refusal = no_enterprise(registry->pool);
    if (is_there && !import->refusal && import->result == WHK_IMPORT_DONE)
        WHK_TRY(look_at_material(registry, import));
    if (import->refusal)
        import->result = WHK_IMPORT_REFUSED;
    return NULL;
}

const whk_outcome_t *whk_import_try(whk_registry_t *registry, const apr_array_header_t *imports,
                                    int makes_enterprises)
{
    apr_hash_t *known = apr_hash_make(registry->pool);
    int i;

    WHK_TRY(check_callers(registry->pool, imports));
    for (i = 0; i < imports->nelts; i++)
        WHK_TRY(try_one(registry, known, makes_enterprises,
                        APR_ARRAY_IDX(imports, i, whk_key_import_t *)));
    return NULL;
}
