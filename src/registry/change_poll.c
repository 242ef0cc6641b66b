/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_atomic.h>
#include <apr_strings.h>

#include "model/clock.h"
#include "registry/key_cache_state.h"
#include "store/change_feed.h"

/* How long a store that did not answer is left alone. */
#define BACK_OFF apr_time_from_sec(1)

/* Seconds in which a node tells once that the registry went back: each process finds it. */
#define TELL_EVERY 60

static unsigned int slot_of(const char *enterprise_id)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;

    return apr_hashfunc_default(enterprise_id, &length) % WHK_CHANGE_SLOTS;
}

void whk_key_cache_changed(whk_change_slots_t *slots, const char *enterprise_id)
{
    if (slots)
        apr_atomic_inc32(&slots->changes[slot_of(enterprise_id)]);
}

whk_known_t *whk_key_cache_know(whk_key_cache_t *cache, const char *enterprise_id)
{
    whk_known_t *known = apr_hash_get(cache->enterprises, enterprise_id, APR_HASH_KEY_STRING);

    if (!known) {
        known = apr_pcalloc(cache->directory, sizeof(*known));
        known->id = apr_pstrdup(cache->directory, enterprise_id);
        apr_hash_set(cache->enterprises, known->id, APR_HASH_KEY_STRING, known);
    }
    return known;
}

/* Numbers grow, each with a new revision, and the last that was seen stays until its enterprise
 * changes again: whatever else is found is another registry, such as an older one. */
static int is_elsewhere(const whk_key_cache_t *cache, const apr_array_header_t *changes)
{
    const whk_last_change_t *last = &cache->last_change;
    int found = last->number <= 0;
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const whk_change_t *change = APR_ARRAY_IDX(changes, i, const whk_change_t *);
        const whk_known_t *known =
            apr_hash_get(cache->enterprises, change->enterprise_id, APR_HASH_KEY_STRING);
        int is_last = last->number > 0 && !strcmp(change->enterprise_id, last->enterprise_id);

        if (change->number > last->number) {
            if (known && known->listed >= change->revision)
                return 1;
            found |= is_last;
        } else {
            if (!is_last || change->revision != last->revision)
                return 1;
            found = 1;
        }
    }
    return !found;
}

/* The change that was seen last is asked for again. Number 0 is that of all that never changed. */
static apr_int64_t after(const whk_key_cache_t *cache)
{
    apr_int64_t last = cache->last_change.number;

    return last > 0 ? last - 1 : last;
}

static void take_changes(whk_key_cache_t *cache, const apr_array_header_t *changes)
{
    whk_last_change_t *last = &cache->last_change;
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const whk_change_t *change = APR_ARRAY_IDX(changes, i, const whk_change_t *);
        whk_known_t *known = whk_key_cache_know(cache, change->enterprise_id);

        known->listed = change->revision;
        if (change->revision > known->revision)
            known->revision = change->revision;
        if (change->number > last->number) {
            last->number = change->number;
            last->revision = change->revision;
            last->enterprise_id = known->id;
        }
    }
}

static void forget_all(whk_key_cache_t *cache)
{
    apr_hash_index_t *index;
    void *value;

    for (index = apr_hash_first(NULL, cache->enterprises); index; index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &value);
        if (((whk_known_t *)value)->ring)
            whk_enterprise_keys_release(((whk_known_t *)value)->ring, &cache->parsed);
    }
    apr_pool_clear(cache->directory);
    cache->enterprises = apr_hash_make(cache->directory);
    cache->last_change = (whk_last_change_t){-1, NULL, 0};
    cache->polled_at = 0;
    cache->generation++;
}

/* One process of the node tells of it for all. */
static void tell(whk_key_cache_t *cache)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(whk_clock_now());
    apr_uint32_t told = apr_atomic_read32(&cache->settings.slots->told);

    if ((told && now - told < TELL_EVERY) ||
        apr_atomic_cas32(&cache->settings.slots->told, now ? now : 1, told) != told)
        return;
    if (cache->settings.went_back)
        cache->settings.went_back(cache->settings.baton);
}

static const whk_outcome_t *list_changes(whk_key_cache_t *cache, whk_store_t *store,
                                         apr_array_header_t **changes, apr_pool_t *pool)
{
    int elsewhere;

    WHK_TRY(whk_store_change_list(store, pool, after(cache), changes));
    apr_thread_mutex_lock(cache->mutex);
    elsewhere = is_elsewhere(cache, *changes);
    if (elsewhere)
        forget_all(cache);
    apr_thread_mutex_unlock(cache->mutex);
    if (!elsewhere)
        return NULL;
    tell(cache);
    return whk_store_change_list(store, pool, after(cache), changes);
}

/* Under `polling`. The counters are read before the store is, so that a change in between shows
 * again rather than never. */
static const whk_outcome_t *poll(whk_key_cache_t *cache, whk_store_t *store, apr_pool_t *pool)
{
    apr_uint32_t seen[WHK_CHANGE_SLOTS];
    apr_array_header_t *changes;
    apr_time_t now = whk_clock_now();
    const whk_outcome_t *outcome;
    int i;

    for (i = 0; i < WHK_CHANGE_SLOTS; i++)
        seen[i] = apr_atomic_read32(&cache->settings.slots->changes[i]);
    outcome = list_changes(cache, store, &changes, pool);
    apr_thread_mutex_lock(cache->mutex);
    if (outcome) {
        cache->retry_at = now + BACK_OFF;
    } else {
        take_changes(cache, changes);
        memcpy(cache->seen, seen, sizeof(seen));
        cache->polled_at = now;
        cache->retry_at = 0;
    }
    apr_thread_mutex_unlock(cache->mutex);
    return outcome;
}

const whk_outcome_t *whk_key_cache_poll(whk_key_cache_t *cache, whk_store_t *store,
                                        apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    apr_thread_mutex_lock(cache->polling);
    outcome = poll(cache, store, pool);
    apr_thread_mutex_unlock(cache->polling);
    return outcome;
}

whk_arrival_t whk_key_cache_arrive(const whk_key_cache_t *cache, const char *enterprise_id)
{
    unsigned int slot = slot_of(enterprise_id);
    whk_arrival_t arrival = {slot, apr_atomic_read32(&cache->settings.slots->changes[slot]),
                             whk_clock_now()};

    return arrival;
}

whk_freshness_t whk_key_cache_judge(const whk_key_cache_t *cache, const whk_arrival_t *arrival)
{
    apr_interval_time_t age = arrival->at - cache->polled_at;

    if (!cache->polled_at)
        return WHK_UNKNOWABLE;
    /* Counters wrap around. */
    if ((apr_int32_t)(cache->seen[arrival->slot] - arrival->change) < 0)
        return WHK_CHANGED;
    if (age <= cache->settings.lag)
        return WHK_FRESH;
    return age <= cache->settings.max_stale ? WHK_STALE : WHK_UNKNOWABLE;
}

static whk_freshness_t look(whk_key_cache_t *cache, const whk_arrival_t *arrival, int *may_poll)
{
    apr_time_t now = whk_clock_now();
    whk_freshness_t found;

    apr_thread_mutex_lock(cache->mutex);
    found = whk_key_cache_judge(cache, arrival);
    *may_poll = now >= cache->retry_at;
    apr_thread_mutex_unlock(cache->mutex);
    return found;
}

const whk_outcome_t *whk_key_cache_away(apr_pool_t *pool)
{
    return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                    "the registry's database could not be asked which keys are good, and what is "
                    "known is too old to be relied upon");
}

/* The others go on meanwhile with what there is, but for what is known to have changed. */
static int may_go_on(whk_key_cache_t *cache, whk_freshness_t found, int insist, int may_poll)
{
    return found == WHK_STALE &&
           (!may_poll || (!insist && apr_thread_mutex_trylock(cache->polling) != APR_SUCCESS));
}

const whk_outcome_t *whk_key_cache_refresh(whk_key_cache_t *cache, whk_store_t *store,
                                           const whk_arrival_t *arrival, int insist,
                                           whk_freshness_t *found, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = NULL;
    int may_poll;

    *found = look(cache, arrival, &may_poll);
    if (*found == WHK_FRESH || may_go_on(cache, *found, insist, may_poll))
        return NULL;
    if (*found != WHK_STALE || insist)
        apr_thread_mutex_lock(cache->polling);
    *found = look(cache, arrival, &may_poll);
    if (*found != WHK_FRESH && may_poll) {
        outcome = poll(cache, store, pool);
        *found = look(cache, arrival, &may_poll);
    }
    apr_thread_mutex_unlock(cache->polling);
    if (*found == WHK_FRESH || *found == WHK_STALE)
        return NULL;
    return outcome ? outcome : whk_key_cache_away(pool);
}
