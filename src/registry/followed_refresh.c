/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/followed_refresh.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "jose/jwk.h"
#include "jose/jwk_set.h"
#include "model/log_number.h"
#include "model/timestamp.h"
#include "registry/seal.h"
#include "store/keys.h"
#include "store/transaction.h"

/* A member of a set, which is judged once, however many follow it. */
typedef struct {
    const char *kid;
    const whk_jwk_t *jwk; /* NULL: of no use */
    int is_judged;
} member_t;

/* A set that was fetched, and whoever has it. */
typedef struct {
    const json_t *json;
    apr_array_header_t *members; /* member_t; NULL: not read yet */
    apr_hash_t *names;           /* of the keys that came by a set */
    int complete;
    int (*is_stopping)(void *baton);
    void *baton;
} fetched_t;

/* ---- what is new for one who follows it ---- */

/* No name has a line feed. */
static const char *name_of(apr_pool_t *pool, const char *enterprise_id, const char *set,
                           const char *kid)
{
    return apr_pstrcat(pool, enterprise_id, "\n", set, "\n", kid, NULL);
}

static apr_hash_t *name_keys(apr_pool_t *pool, const apr_array_header_t *keys)
{
    apr_hash_t *names = apr_hash_make(pool);
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        if (key->followed_by)
            apr_hash_set(names, name_of(pool, key->enterprise_id, key->followed_by, key->key_id),
                         APR_HASH_KEY_STRING, key);
    }
    return names;
}

/* Such a key is whk_rotate_keys()' to look after. */
static int has_key(whk_registry_t *registry, const fetched_t *fetched, const whk_key_t *parent,
                   const char *kid)
{
    return apr_hash_get(fetched->names,
                        name_of(registry->pool, parent->enterprise_id, parent->key_id, kid),
                        APR_HASH_KEY_STRING) != NULL;
}

static const whk_jwk_t *judge(whk_registry_t *registry, const fetched_t *fetched, member_t *member)
{
    if (!member->is_judged && !whk_key_id_is_set(member->kid) &&
        whk_jwk_set_find(&member->jwk, fetched->json, member->kid, registry->policy->algorithms,
                         registry->pool))
        member->jwk = NULL;
    member->is_judged = 1;
    return member->jwk;
}

static const whk_outcome_t *find_new(whk_registry_t *registry, fetched_t *fetched,
                                     const whk_key_t *parent, apr_array_header_t **jwks)
{
    int i;

    *jwks = apr_array_make(registry->pool, 8, sizeof(const whk_jwk_t *));
    for (i = 0; i < fetched->members->nelts; i++) {
        member_t *member = &APR_ARRAY_IDX(fetched->members, i, member_t);

        if (fetched->is_stopping(fetched->baton))
            return whk_fail(registry->pool, WHK_TOO_BUSY, WHK_LOGNO(0209) "this process ends");
        if (has_key(registry, fetched, parent, member->kid))
            continue;
        if (judge(registry, fetched, member))
            APR_ARRAY_PUSH(*jwks, const whk_jwk_t *) = member->jwk;
        else
            fetched->complete = 0;
    }
    return NULL;
}

/* False where it is no set of which any could be taken. */
static int read_members(whk_registry_t *registry, fetched_t *fetched,
                        const apr_array_header_t *keys)
{
    apr_array_header_t *kids;
    int all;
    int i;

    if (fetched->members)
        return 1;
    if (whk_jwk_set_kids(fetched->json, &kids, &all, registry->pool))
        return 0;
    if (!all)
        fetched->complete = 0;
    fetched->names = name_keys(registry->pool, keys);
    fetched->members = apr_array_make(registry->pool, kids->nelts + 1, sizeof(member_t));
    for (i = 0; i < kids->nelts; i++)
        APR_ARRAY_PUSH(fetched->members, member_t) =
            (member_t){APR_ARRAY_IDX(kids, i, const char *), NULL, 0};
    return 1;
}

/* ---- in a transaction ---- */

typedef struct {
    whk_registry_t *registry;
    const whk_key_t *parent; /* as it was before the fetch */
    whk_followed_take_t take;
} news_t;

static const whk_outcome_t *take_news(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    news_t *news = baton;
    const whk_secret_key_t *secret = news->registry->secret;
    whk_enterprise_t *enterprise;
    whk_key_t *parent;

    news->take.taken = news->take.waiting = 0;
    WHK_TRY(whk_store_enterprise_lock(store, pool, news->parent->enterprise_id, &enterprise));
    WHK_TRY(
        whk_store_key_get(store, pool, news->parent->enterprise_id, news->parent->key_id, &parent));
    if (!enterprise || !parent || parent->status != WHK_KEY_STATUS_ACTIVE ||
        whk_key_is_due(parent, whk_time_now()) || !whk_key_is_set(parent) ||
        whk_key_flaw(pool, secret, parent))
        return NULL;
    news->take.parent = parent;
    WHK_TRY(whk_followed_set_take(
        store, pool, &(whk_insertion_t){secret, news->registry->policy->max_active, enterprise},
        &news->take));
    return whk_store_enterprise_update(store, pool, enterprise);
}

static const whk_outcome_t *refresh(whk_registry_t *registry, fetched_t *fetched,
                                    const whk_key_t *parent)
{
    news_t news = {.registry = registry, .parent = parent};
    apr_array_header_t *jwks;
    const whk_outcome_t *outcome;

    WHK_TRY(find_new(registry, fetched, parent, &jwks));
    if (whk_followed_set_is_told(registry->pool, parent, jwks))
        return NULL;
    news.take.members = jwks;
    news.take.caller = whk_caller_background(registry->pool, parent->enterprise_id);
    outcome = whk_store_transaction(registry->store, registry->pool, take_news, &news);
    whk_count_change(registry->counters, parent->enterprise_id);
    if (news.take.waiting)
        fetched->complete = 0;
    return outcome;
}

const whk_outcome_t *whk_followed_sets_refresh(whk_registry_t *registry,
                                               const apr_array_header_t *keys, const json_t *set,
                                               int (*is_stopping)(void *baton), void *baton,
                                               int *complete)
{
    fetched_t fetched = {.json = set, .complete = 1, .is_stopping = is_stopping, .baton = baton};
    const whk_outcome_t *failure = NULL;
    int i;

    *complete = 1;
    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        const whk_outcome_t *outcome;

        if (!whk_key_is_set(key))
            continue;
        if (!registry->policy->jwks_uri_follow ||
            whk_key_flaw(registry->pool, registry->secret, key)) {
            fetched.complete = 0;
            continue;
        }
        /* Of more members than there may be none is taken; those that were go on by
         * whk_rotate_keys(). */
        if (!read_members(registry, &fetched, keys)) {
            fetched.complete = 0;
            break;
        }
        outcome = refresh(registry, &fetched, key);
        if (outcome && is_stopping(baton))
            return outcome;
        if (outcome)
            fetched.complete = 0;
        if (!failure)
            failure = outcome;
    }
    *complete = fetched.complete;
    return failure;
}
