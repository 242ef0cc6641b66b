/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_cache.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "model/clock.h"
#include "registry/key_cache_state.h"
#include "registry/remote_jwk_set.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/remote_sets.h"
#include "store/transaction.h"

/* A lastUsedDate is true to the minute. */
#define USE_STEP apr_time_from_sec(60)

/* Uses that wait for a store that is away; beyond, dates stay behind. */
#define USES_MOST 100000

/* An entry that seems to have ended is read again no sooner than this. */
#define REREAD_EVERY apr_time_from_sec(1)

/* What a request holds, and gives back at its end. */
typedef struct {
    whk_key_cache_t *cache;
    whk_enterprise_keys_t *ring;
    whk_key_entry_t *entry;
    whk_parsed_t *parsed;
} hold_t;

static apr_status_t free_key_cache(void *data)
{
    whk_key_cache_t *cache = data;
    apr_hash_index_t *index;
    void *value;

    for (index = apr_hash_first(NULL, cache->enterprises); index; index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &value);
        if (((whk_known_t *)value)->ring)
            whk_enterprise_keys_release(((whk_known_t *)value)->ring, &cache->parsed);
    }
    apr_pool_destroy(cache->uses_pool);
    return APR_SUCCESS;
}

whk_key_cache_t *whk_key_cache_create(const whk_key_cache_settings_t *settings, apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    whk_key_cache_t *cache;

    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_ex(&pool, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    cache = apr_pcalloc(pool, sizeof(*cache));
    cache->settings = *settings;
    cache->pool = pool;
    cache->last_change.number = -1;
    APR_RING_INIT(&cache->parsed.head, whk_parsed_t, link);
    if (apr_pool_create(&cache->directory, pool) != APR_SUCCESS ||
        apr_pool_create_unmanaged_ex(&cache->uses_pool, NULL, NULL) != APR_SUCCESS ||
        apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_mutex_create(&cache->polling, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_mutex_create(&cache->rereading, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    cache->enterprises = apr_hash_make(cache->directory);
    apr_pool_pre_cleanup_register(pool, cache, free_key_cache);
    return cache;
}

static int is_newer(const whk_enterprise_keys_t *ring, const whk_enterprise_keys_t *than)
{
    return ring->revision > than->revision ||
           (ring->revision == than->revision && ring->read_at >= than->read_at);
}

static void install(whk_key_cache_t *cache, whk_enterprise_keys_t *ring)
{
    whk_known_t *known = whk_key_cache_know(cache, ring->enterprise_id);

    if (ring->revision > known->revision)
        known->revision = ring->revision;
    if (known->ring && is_newer(known->ring, ring))
        return;
    if (known->ring) {
        whk_enterprise_keys_inherit(ring, known->ring);
        whk_enterprise_keys_release(known->ring, &cache->parsed);
    }
    ring->references++;
    known->ring = ring;
}

static const whk_remote_set_t *set_of(const apr_array_header_t *sets, const char *uri)
{
    int i;

    for (i = 0; i < sets->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(sets, i, const whk_remote_set_t *)->uri, uri))
            return APR_ARRAY_IDX(sets, i, const whk_remote_set_t *);
    return NULL;
}

/* Until when the keys by URI are good. One without a set is nobody's to fetch, and never was good.
 */
static const whk_outcome_t *note_ends(const whk_key_cache_t *cache, whk_store_t *store,
                                      whk_enterprise_keys_t *ring, const apr_array_header_t *active,
                                      apr_pool_t *pool)
{
    const whk_key_cache_settings_t *settings = &cache->settings;
    apr_array_header_t *sets = NULL;
    int i;

    for (i = 0; i < active->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(active, i, const whk_key_t *);
        whk_key_entry_t *entry = key->jwks_uri ? whk_enterprise_keys_find(ring, key->key_id) : NULL;
        const whk_remote_set_t *set;

        if (!entry)
            continue;
        if (!sets)
            WHK_TRY(whk_store_remote_set_list(store, pool, ring->enterprise_id, &sets));
        set = set_of(sets, key->jwks_uri);
        whk_enterprise_keys_set_end(entry, set ? set->fresh_until : 0,
                                    set ? ring->read_at + settings->max_stale +
                                              whk_remote_fresh_for(set->fresh_until, apr_time_now(),
                                                                   settings->jwks_uri_refresh)
                                        : 0);
    }
    return NULL;
}

/* One reference for the caller. The revision is read first: what changes meanwhile shows again. */
static const whk_outcome_t *load_ring(whk_key_cache_t *cache, whk_store_t *store,
                                      const char *enterprise_id, whk_enterprise_keys_t **ring,
                                      apr_pool_t *pool)
{
    apr_time_t began = whk_clock_now();
    whk_enterprise_t *enterprise;
    apr_array_header_t *active;
    apr_array_header_t *revoked;
    whk_enterprise_keys_t *made;
    const whk_outcome_t *outcome;

    WHK_TRY(whk_store_enterprise_get(store, pool, enterprise_id, &enterprise));
    if (!enterprise)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        "enterprise %s is gone: its row must never be deleted", enterprise_id);
    WHK_TRY(whk_store_key_active(store, pool, enterprise_id, &active));
    WHK_TRY(whk_store_key_revoked(store, pool, enterprise_id, WHK_REVOKED_MOST, &revoked));
    made = whk_enterprise_keys_make(enterprise_id, enterprise->revision, active, revoked,
                                    cache->settings.secret, pool);
    if (!made)
        return whk_fail(pool, WHK_INTERNAL_ERROR, "out of memory for the keys of an enterprise");
    made->read_at = began;
    outcome = note_ends(cache, store, made, active, pool);
    if (outcome)
        whk_enterprise_keys_release(made, &cache->parsed);
    else
        *ring = made;
    return outcome;
}

/* What was read of a registry that is no longer there serves this request alone. */
static const whk_outcome_t *read_ring(whk_key_cache_t *cache, whk_store_t *store,
                                      const char *enterprise_id, whk_enterprise_keys_t **ring,
                                      apr_pool_t *pool)
{
    apr_uint32_t generation = __atomic_load_n(&cache->generation, __ATOMIC_SEQ_CST);

    WHK_TRY(load_ring(cache, store, enterprise_id, ring, pool));
    apr_thread_mutex_lock(cache->mutex);
    if (cache->generation == generation)
        install(cache, *ring);
    apr_thread_mutex_unlock(cache->mutex);
    return NULL;
}

/* Under the mutex. What is known of an enterprise; `ring` is set, with one reference more, where
 * that is its newest. */
static int look(whk_key_cache_t *cache, const char *enterprise_id, whk_enterprise_keys_t **ring)
{
    const whk_known_t *known = apr_hash_get(cache->enterprises, enterprise_id, APR_HASH_KEY_STRING);

    if (known && known->ring && known->ring->revision >= known->revision) {
        *ring = known->ring;
        (*ring)->references++;
    }
    return known != NULL;
}

static void drop(whk_key_cache_t *cache, whk_enterprise_keys_t **ring)
{
    apr_thread_mutex_lock(cache->mutex);
    if (*ring)
        whk_enterprise_keys_release(*ring, &cache->parsed);
    *ring = NULL;
    apr_thread_mutex_unlock(cache->mutex);
}

/* A set that was fetched again is no change of its enterprise. Whoever finds that something ended
 * looks for that, one at a time and once a second; the others take what was found. */
static const whk_outcome_t *reread(whk_key_cache_t *cache, whk_store_t *store,
                                   const char *enterprise_id, const char *key_id,
                                   whk_enterprise_keys_t **ring, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = NULL;
    apr_time_t now;

    apr_thread_mutex_lock(cache->rereading);
    drop(cache, ring);
    apr_thread_mutex_lock(cache->mutex);
    look(cache, enterprise_id, ring);
    apr_thread_mutex_unlock(cache->mutex);
    now = whk_clock_now();
    if (!*ring || (whk_enterprise_keys_has_ended(*ring, key_id, now) &&
                   now - (*ring)->read_at >= REREAD_EVERY)) {
        drop(cache, ring);
        outcome = read_ring(cache, store, enterprise_id, ring, pool);
    }
    apr_thread_mutex_unlock(cache->rereading);
    return outcome;
}

/* What a request asks for. */
typedef struct {
    const char *enterprise_id;
    const char *key_id; /* NULL: any */
    int insist;         /* stale is not good enough */
} wanted_t;

/* `ring` is set to NULL where there is no such enterprise; else it has one reference more. */
static const whk_outcome_t *take_ring(whk_key_cache_t *cache, whk_store_t *store,
                                      const wanted_t *wanted, whk_enterprise_keys_t **ring,
                                      whk_freshness_t *found, apr_pool_t *pool)
{
    const char *enterprise_id = wanted->enterprise_id;
    whk_arrival_t arrival = whk_key_cache_arrive(cache, enterprise_id);
    int known = 0;

    *ring = NULL;
    /* The common case takes the mutex once: all threads meet there. */
    apr_thread_mutex_lock(cache->mutex);
    *found = whk_key_cache_judge(cache, &arrival);
    if (*found == WHK_FRESH)
        known = look(cache, enterprise_id, ring);
    apr_thread_mutex_unlock(cache->mutex);
    if (*found != WHK_FRESH) {
        WHK_TRY(whk_key_cache_refresh(cache, store, &arrival, wanted->insist, found, pool));
        apr_thread_mutex_lock(cache->mutex);
        known = look(cache, enterprise_id, ring);
        apr_thread_mutex_unlock(cache->mutex);
    }
    if (!known)
        return NULL;
    if (!*ring)
        return read_ring(cache, store, enterprise_id, ring, pool);
    return whk_enterprise_keys_has_ended(*ring, wanted->key_id, arrival.at)
               ? reread(cache, store, enterprise_id, wanted->key_id, ring, pool)
               : NULL;
}

static apr_status_t let_go(void *data)
{
    hold_t *hold = data;

    apr_thread_mutex_lock(hold->cache->mutex);
    if (hold->parsed)
        whk_parsed_release(hold->parsed);
    whk_enterprise_keys_release(hold->ring, &hold->cache->parsed);
    apr_thread_mutex_unlock(hold->cache->mutex);
    return APR_SUCCESS;
}

/* Takes over a reference to the ring. */
static hold_t *hold_ring(whk_key_cache_t *cache, whk_enterprise_keys_t *ring, apr_pool_t *pool)
{
    hold_t *hold = apr_pcalloc(pool, sizeof(*hold));

    hold->cache = cache;
    hold->ring = ring;
    apr_pool_cleanup_register(pool, hold, let_go, apr_pool_cleanup_null);
    return hold;
}

static int take_parsed(hold_t *hold)
{
    whk_key_cache_t *cache = hold->cache;

    apr_thread_mutex_lock(cache->mutex);
    hold->parsed = hold->entry->parsed;
    if (hold->parsed) {
        hold->parsed->references++;
        whk_parsed_touch(hold->parsed, &cache->parsed);
    }
    apr_thread_mutex_unlock(cache->mutex);
    return hold->parsed != NULL;
}

static const whk_outcome_t *parse(hold_t *hold, apr_pool_t *pool)
{
    if (take_parsed(hold))
        return NULL;
    hold->parsed = whk_parsed_make(hold->entry->jwk);
    if (!hold->parsed)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        "key %s of enterprise %s can't be read: its row was changed, or OpenSSL "
                        "lacks its algorithm",
                        hold->entry->key_id, hold->ring->enterprise_id);
    apr_thread_mutex_lock(hold->cache->mutex);
    if (!hold->entry->parsed)
        whk_parsed_keep(hold->parsed, hold->entry, &hold->cache->parsed);
    apr_thread_mutex_unlock(hold->cache->mutex);
    return NULL;
}

static const whk_outcome_t *hold_key(hold_t *hold, whk_held_key_t **key, apr_pool_t *pool)
{
    whk_held_key_t *held = apr_pcalloc(pool, sizeof(*held));

    WHK_TRY(parse(hold, pool));
    held->key_id = hold->entry->key_id;
    held->jwk = hold->parsed->jwk;
    held->owner = hold;
    *key = held;
    return NULL;
}

static const whk_outcome_t *unknown(whk_freshness_t found, apr_pool_t *pool)
{
    /* It may have been registered meanwhile. */
    if (found != WHK_FRESH)
        return whk_key_cache_away(pool);
    return whk_refuse(pool, WHK_UNKNOWN_KEY,
                      "the signature names no key that is registered for this enterprise: register "
                      "the key, and name it by its keyId");
}

static const whk_outcome_t *flawed(int flaw, apr_pool_t *pool)
{
    return whk_refuse(pool, (whk_code_t)flaw, "%s", whk_code_message((whk_code_t)flaw));
}

const whk_outcome_t *whk_key_cache_find(whk_key_cache_t *cache, whk_store_t *store,
                                        const char *enterprise_id, const char *key_id,
                                        whk_held_key_t **key, apr_pool_t *pool)
{
    wanted_t wanted = {enterprise_id, key_id, 0};
    whk_freshness_t found;
    whk_enterprise_keys_t *ring;
    hold_t *hold = NULL;
    int flaw;

    /* What is not known may have been registered since: then somebody's poll is waited for. */
    for (; wanted.insist < 2; wanted.insist++) {
        WHK_TRY(take_ring(cache, store, &wanted, &ring, &found, pool));
        hold = ring ? hold_ring(cache, ring, pool) : NULL;
        if (hold)
            hold->entry = whk_enterprise_keys_find(ring, key_id);
        if (found == WHK_FRESH || (hold && hold->entry))
            break;
    }
    if (!hold || !hold->entry)
        return unknown(found, pool);
    if (hold->entry->flaw == WHK_INTERNAL_ERROR)
        return whk_key_is_bad(pool, enterprise_id, key_id, "it is not as this module wrote it");
    if (!hold->entry->jwk)
        return flawed(WHK_KEY_REVOKED, pool);
    flaw = whk_key_entry_flaw(hold->entry, whk_clock_now());
    return flaw ? flawed(flaw, pool) : hold_key(hold, key, pool);
}

/* An entry and its use as it was when they were put in order: uses go on meanwhile. */
typedef struct {
    whk_key_entry_t *entry;
    apr_time_t used;
} choice_t;

/* Is `a` to be tried before `b`? Of keys that were used equally long ago, the newer. */
static int is_before(const choice_t *a, const choice_t *b)
{
    return a->used != b->used ? a->used > b->used : a->entry->order > b->entry->order;
}

static int insert(choice_t *choices, int count, int most, choice_t choice)
{
    int at;

    if (count == most && !is_before(&choice, &choices[most - 1]))
        return count;
    if (count < most)
        count++;
    for (at = count - 1; at > 0 && is_before(&choice, &choices[at - 1]); at--)
        choices[at] = choices[at - 1];
    choices[at] = choice;
    return count;
}

/* At most `most` of them, in order. @return how many; `total` is set to how many there are */
static int choose_ed25519(whk_enterprise_keys_t *ring, choice_t *choices, int most, int *total)
{
    apr_time_t now = whk_clock_now();
    int count = 0;
    int i;

    *total = 0;
    for (i = 0; i < ring->count; i++) {
        whk_key_entry_t *entry = &ring->entries[i];
        choice_t choice = {entry, __atomic_load_n(&entry->last_used, __ATOMIC_RELAXED)};

        if (!entry->is_ed25519 || whk_key_entry_flaw(entry, now))
            continue;
        ++*total;
        count = insert(choices, count, most, choice);
    }
    return count;
}

static const whk_outcome_t *hold_choice(whk_key_cache_t *cache, whk_enterprise_keys_t *ring,
                                        whk_key_entry_t *entry, whk_held_key_t **key,
                                        apr_pool_t *pool)
{
    hold_t *hold;

    apr_thread_mutex_lock(cache->mutex);
    ring->references++;
    apr_thread_mutex_unlock(cache->mutex);
    hold = hold_ring(cache, ring, pool);
    hold->entry = entry;
    return hold_key(hold, key, pool);
}

const whk_outcome_t *whk_key_cache_find_ed25519(whk_key_cache_t *cache, whk_store_t *store,
                                                const char *enterprise_id, int most,
                                                apr_array_header_t **keys, int *total,
                                                apr_pool_t *pool)
{
    choice_t *choices = apr_palloc(pool, (apr_size_t)most * sizeof(*choices));
    const wanted_t wanted = {enterprise_id, NULL, 1};
    whk_freshness_t found;
    whk_enterprise_keys_t *ring;
    int count;
    int i;

    *keys = apr_array_make(pool, most, sizeof(whk_held_key_t *));
    WHK_TRY(take_ring(cache, store, &wanted, &ring, &found, pool));
    if (!ring)
        return unknown(found, pool);
    hold_ring(cache, ring, pool);
    count = choose_ed25519(ring, choices, most, total);
    if (!count)
        return unknown(found, pool);
    for (i = 0; i < count; i++)
        WHK_TRY(hold_choice(cache, ring, choices[i].entry, &APR_ARRAY_PUSH(*keys, whk_held_key_t *),
                            pool));
    return NULL;
}

static void add_use(whk_key_cache_t *cache, const char *enterprise_id, const char *key_id,
                    apr_time_t when)
{
    whk_use_t *use;

    if (cache->use_count >= USES_MOST)
        return;
    use = apr_palloc(cache->uses_pool, sizeof(*use));
    use->enterprise_id = apr_pstrdup(cache->uses_pool, enterprise_id);
    use->key_id = apr_pstrdup(cache->uses_pool, key_id);
    use->when = when;
    use->next = cache->uses;
    cache->uses = use;
    cache->use_count++;
}

static int is_due(const whk_key_entry_t *entry, apr_time_t now)
{
    apr_time_t used = __atomic_load_n(&entry->used, __ATOMIC_RELAXED);

    return !used || now - used >= USE_STEP;
}

void whk_key_cache_note_use(whk_key_cache_t *cache, const whk_held_key_t *key, apr_time_t when)
{
    const hold_t *hold = key->owner;
    apr_time_t now = whk_clock_now();

    if (!is_due(hold->entry, now))
        return;
    apr_thread_mutex_lock(cache->mutex);
    if (is_due(hold->entry, now)) {
        __atomic_store_n(&hold->entry->used, now, __ATOMIC_RELAXED);
        __atomic_store_n(&hold->entry->last_used, when, __ATOMIC_RELAXED);
        add_use(cache, hold->ring->enterprise_id, key->key_id, when);
    }
    apr_thread_mutex_unlock(cache->mutex);
}

static const whk_outcome_t *write_uses(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const whk_use_t *use;

    for (use = baton; use; use = use->next)
        WHK_TRY(
            whk_store_key_used(store, pool, use->enterprise_id, use->key_id, use->when, USE_STEP));
    return NULL;
}

const whk_outcome_t *whk_key_cache_write_uses(whk_key_cache_t *cache, whk_store_t *store,
                                              apr_pool_t *pool)
{
    apr_pool_t *taken_pool = NULL;
    whk_use_t *taken;
    const whk_use_t *use;
    const whk_outcome_t *outcome;

    apr_thread_mutex_lock(cache->mutex);
    taken = cache->uses;
    if (taken && apr_pool_create_unmanaged_ex(&taken_pool, NULL, NULL) == APR_SUCCESS) {
        apr_pool_t *emptied = taken_pool;

        taken_pool = cache->uses_pool;
        cache->uses_pool = emptied;
        cache->uses = NULL;
        cache->use_count = 0;
    }
    apr_thread_mutex_unlock(cache->mutex);
    if (!taken_pool)
        return NULL;
    outcome = whk_store_transaction(store, pool, write_uses, taken);
    if (outcome) {
        apr_thread_mutex_lock(cache->mutex);
        for (use = taken; use; use = use->next)
            add_use(cache, use->enterprise_id, use->key_id, use->when);
        apr_thread_mutex_unlock(cache->mutex);
    }
    apr_pool_destroy(taken_pool);
    return outcome;
}
