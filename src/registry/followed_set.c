/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/followed_set.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/jwk.h"
#include "jose/jwk_set.h"
#include "model/log_number.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/digest.h"
#include "registry/seal.h"
#include "store/keys.h"

const whk_key_t *whk_followed_set_of(const apr_array_header_t *keys, const whk_key_t *key)
{
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *other = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        if (whk_key_is_set(other) && !strcmp(other->enterprise_id, key->enterprise_id) &&
            !strcmp(other->key_id, key->followed_by))
            return other;
    }
    return NULL;
}

const whk_outcome_t *whk_followed_set_members(whk_registry_t *registry, const json_t *set,
                                              apr_array_header_t **members)
{
    apr_array_header_t *kids;
    const whk_jwk_t *jwk;
    int all;
    int i;

    *members = apr_array_make(registry->pool, 8, sizeof(const whk_jwk_t *));
    WHK_TRY(whk_jwk_set_kids(set, &kids, &all, registry->pool));
    for (i = 0; i < kids->nelts; i++) {
        const char *kid = APR_ARRAY_IDX(kids, i, const char *);

        if (!whk_key_id_is_set(kid) &&
            !whk_jwk_set_find(&jwk, set, kid, registry->policy->algorithms, registry->pool))
            APR_ARRAY_PUSH(*members, const whk_jwk_t *) = jwk;
    }
    return NULL;
}

/* ---- what was refused ---- */

/* A set's row names what was refused when it was read last, a word each: this, and what of the
 * member is hashed. */
#define FOR_EVER "u"
#define FOR_NOW "l"
#define HASHED 16

static const char *word_of(apr_pool_t *pool, const char *kind, const whk_jwk_t *jwk)
{
    const char *text = apr_pstrcat(pool, jwk->thumbprint, " ", jwk->kid, NULL);
    const char *hash = whk_sha256_hex(pool, text, strlen(text));

    return apr_pstrcat(pool, kind, hash ? apr_pstrmemdup(pool, hash, HASHED) : "", NULL);
}

static int has_word(const whk_key_t *parent, const char *word)
{
    return parent->refused && strstr(parent->refused, word) != NULL;
}

static int was_refused(apr_pool_t *pool, const whk_key_t *parent, const whk_jwk_t *jwk)
{
    return has_word(parent, word_of(pool, FOR_EVER, jwk)) ||
           has_word(parent, word_of(pool, FOR_NOW, jwk));
}

int whk_followed_set_is_told(apr_pool_t *pool, const whk_key_t *parent,
                             const apr_array_header_t *members)
{
    apr_size_t told = parent->refused ? strlen(parent->refused) : 0;
    int i;

    if (told != (apr_size_t)members->nelts * (1 + HASHED))
        return 0;
    for (i = 0; i < members->nelts; i++)
        if (!has_word(parent, word_of(pool, FOR_EVER, APR_ARRAY_IDX(members, i, whk_jwk_t *))))
            return 0;
    return 1;
}

/* ---- taking ---- */

static const whk_outcome_t *make_key(apr_pool_t *pool, const whk_insertion_t *insertion,
                                     const whk_followed_take_t *take, const whk_jwk_t *jwk,
                                     whk_key_t *key)
{
    memset(key, 0, sizeof(*key));
    key->id = whk_uuid(pool);
    if (!key->id)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0210) "the system gives no random bytes");
    key->enterprise_id = take->parent->enterprise_id;
    key->key_id = jwk->kid;
    key->key_name = jwk->kid;
    key->algorithm = jwk->family;
    key->jwks_uri = take->parent->jwks_uri;
    key->jwk = jwk->public_json;
    key->thumbprint = jwk->thumbprint;
    key->status = WHK_KEY_STATUS_ACTIVE;
    key->created = whk_time_now();
    key->created_by = whk_caller_actor(take->caller);
    key->followed_by = take->parent->key_id;
    return whk_key_set_seal(pool, insertion->secret, key);
}

/* Another process was first. */
static const whk_outcome_t *is_taken_already(whk_store_t *store, apr_pool_t *pool,
                                             const whk_key_t *key, int *is_taken)
{
    whk_key_t *other;

    WHK_TRY(whk_store_key_get(store, pool, key->enterprise_id, key->key_id, &other));
    *is_taken = other && other->status == WHK_KEY_STATUS_ACTIVE && other->followed_by &&
                !strcmp(other->followed_by, key->followed_by) &&
                !strcmp(other->thumbprint, key->thumbprint);
    return NULL;
}

static const whk_outcome_t *note_refusal(whk_store_t *store, apr_pool_t *pool,
                                         const whk_insertion_t *insertion,
                                         const whk_followed_take_t *take, const whk_jwk_t *jwk,
                                         const whk_outcome_t *refusal)
{
    if (was_refused(pool, take->parent, jwk))
        return NULL;
    return whk_audit_append(
        store, pool, insertion->secret, insertion->enterprise, WHK_EVENT_KEY_REGISTRATION_REFUSED,
        jwk->kid, take->caller,
        apr_pstrcat(pool, whk_code_name(refusal->code), " ", jwk->thumbprint, NULL),
        whk_time_now());
}

/* `refused` grows by what is. */
static const whk_outcome_t *take_member(whk_store_t *store, apr_pool_t *pool,
                                        const whk_insertion_t *insertion, whk_followed_take_t *take,
                                        const whk_jwk_t *jwk, const char **refused)
{
    const whk_outcome_t *refusal;
    whk_key_t key;
    int is_taken = 0;
    int for_now;

    WHK_TRY(make_key(pool, insertion, take, jwk, &key));
    WHK_TRY(whk_key_insert(store, pool, insertion, &key, &refusal));
    if (!refusal) {
        take->taken++;
        return whk_audit_append(store, pool, insertion->secret, insertion->enterprise,
                                WHK_EVENT_KEY_REGISTERED, key.key_id, take->caller, key.thumbprint,
                                key.created);
    }
    for_now = refusal->code == WHK_ACTIVE_KEY_LIMIT;
    if (for_now && take->all_or_none)
        return refusal;
    WHK_TRY(is_taken_already(store, pool, &key, &is_taken));
    if (is_taken)
        return NULL;
    take->waiting += for_now;
    *refused = apr_pstrcat(pool, *refused, word_of(pool, for_now ? FOR_NOW : FOR_EVER, jwk), NULL);
    return note_refusal(store, pool, insertion, take, jwk, refusal);
}

const whk_outcome_t *whk_followed_set_take(whk_store_t *store, apr_pool_t *pool,
                                           const whk_insertion_t *insertion,
                                           whk_followed_take_t *take)
{
    const char *refused = "";
    int i;

    take->taken = take->waiting = 0;
    for (i = 0; i < take->members->nelts; i++) {
        const whk_jwk_t *jwk = APR_ARRAY_IDX(take->members, i, const whk_jwk_t *);
        const char *word = word_of(pool, FOR_EVER, jwk);

        if (has_word(take->parent, word))
            refused = apr_pstrcat(pool, refused, word, NULL);
        else
            WHK_TRY(take_member(store, pool, insertion, take, jwk, &refused));
    }
    return strcmp(refused, take->parent->refused ? take->parent->refused : "")
               ? whk_store_key_set_refused(store, pool, take->parent, refused)
               : NULL;
}

/* ---- the end of a set ---- */

static const whk_outcome_t *end_key(whk_store_t *store, apr_pool_t *pool,
                                    const whk_insertion_t *insertion, const whk_caller_t *caller,
                                    const whk_key_t *parent, whk_key_t *key)
{
    int revoked;

    key->status = WHK_KEY_STATUS_REVOKED;
    key->revokes = 0;
    key->revoked = parent->revoked;
    key->revoked_by = parent->revoked_by;
    WHK_TRY(whk_key_set_seal(pool, insertion->secret, key));
    WHK_TRY(whk_store_key_revoke(store, pool, key, &revoked));
    if (!revoked)
        return NULL;
    if (insertion->enterprise->active_keys > 0)
        insertion->enterprise->active_keys--;
    return whk_audit_append(store, pool, insertion->secret, insertion->enterprise,
                            WHK_EVENT_KEY_REVOKED, key->key_id, caller, NULL, key->revoked);
}

const whk_outcome_t *whk_followed_set_revoke(whk_store_t *store, apr_pool_t *pool,
                                             const whk_insertion_t *insertion,
                                             const whk_caller_t *caller, const whk_key_t *parent)
{
    apr_array_header_t *keys;
    int i;

    WHK_TRY(whk_store_key_list_active(store, pool, parent->enterprise_id, &keys));
    for (i = 0; i < keys->nelts; i++) {
        whk_key_t *key = APR_ARRAY_IDX(keys, i, whk_key_t *);

        /* One that is due is revoked already, by a plan of its own. */
        if (key->followed_by && !strcmp(key->followed_by, parent->key_id) &&
            !whk_key_is_due(key, parent->revoked) && !whk_key_flaw(pool, insertion->secret, key))
            WHK_TRY(end_key(store, pool, insertion, caller, parent, key));
    }
    return NULL;
}
