#include "registry/keyring.h"

#include <stdlib.h>
#include <string.h>

#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "model/text.h"
#include "registry/ring.h"
#include "registry/seal.h"

/* A lastUsedDate is true to the minute. */
#define USE_STEP apr_time_from_sec(60)

/* Uses that wait for a store that is away; beyond, dates stay behind. */
#define USES_MOST 100000

/* How long a store that did not answer is left alone. */
#define BACK_OFF apr_time_from_sec(1)

/* What is known of an enterprise. It stays for ever, as the enterprise does. */
typedef struct {
    apr_int64_t revision;
    whk_ring_t *ring; /* NULL: not read yet */
} known_t;

typedef struct use_t {
    struct use_t *next;
    const char *enterprise_id;
    const char *key_id;
    apr_time_t when;
} use_t;

struct whk_keyring_t {
    whk_keyring_settings_t settings;
    apr_pool_t *pool;            /* under `mutex` */
    apr_thread_mutex_t *mutex;   /* around all that follows; never held while the store is asked */
    apr_thread_mutex_t *polling; /* around a poll */
    apr_hash_t *enterprises;     /* known_t by id */
    apr_int64_t last_change;
    apr_time_t polled_at; /* when the last poll that succeeded began; 0: none did */
    apr_time_t retry_at;  /* requests poll no earlier */
    apr_uint32_t seen[WHK_CHANGE_SLOTS];
    whk_parsed_list_t parsed;
    apr_pool_t *uses_pool;
    use_t *uses;
    int use_count;
};

/* What a request holds, and gives back at its end. */
typedef struct {
    whk_keyring_t *keyring;
    whk_ring_t *ring;
    whk_ring_entry_t *entry;
    whk_parsed_t *parsed;
} hold_t;

static unsigned int slot_of(const char *enterprise_id)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;

    return apr_hashfunc_default(enterprise_id, &length) % WHK_CHANGE_SLOTS;
}

void whk_keyring_changed(whk_change_slots_t *slots, const char *enterprise_id)
{
    if (slots)
        apr_atomic_inc32(&slots->changes[slot_of(enterprise_id)]);
}

static apr_status_t free_keyring(void *data)
{
    whk_keyring_t *keyring = data;
    apr_hash_index_t *index;
    void *value;

    for (index = apr_hash_first(NULL, keyring->enterprises); index; index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &value);
        if (((known_t *)value)->ring)
            whk_ring_release(((known_t *)value)->ring, &keyring->parsed);
    }
    apr_pool_destroy(keyring->uses_pool);
    return APR_SUCCESS;
}

whk_keyring_t *whk_keyring_create(const whk_keyring_settings_t *settings, apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    whk_keyring_t *keyring;

    if (apr_allocator_create(&allocator) != APR_SUCCESS)
        return NULL;
    if (apr_pool_create_ex(&pool, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    keyring = apr_pcalloc(pool, sizeof(*keyring));
    keyring->settings = *settings;
    keyring->pool = pool;
    keyring->enterprises = apr_hash_make(pool);
    keyring->last_change = -1;
    APR_RING_INIT(&keyring->parsed.head, whk_parsed_t, link);
    if (apr_pool_create_unmanaged_ex(&keyring->uses_pool, NULL, NULL) != APR_SUCCESS ||
        apr_thread_mutex_create(&keyring->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_mutex_create(&keyring->polling, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    apr_pool_pre_cleanup_register(pool, keyring, free_keyring);
    return keyring;
}

static known_t *know(whk_keyring_t *keyring, const char *enterprise_id)
{
    known_t *known = apr_hash_get(keyring->enterprises, enterprise_id, APR_HASH_KEY_STRING);

    if (!known) {
        known = apr_pcalloc(keyring->pool, sizeof(*known));
        apr_hash_set(keyring->enterprises, apr_pstrdup(keyring->pool, enterprise_id),
                     APR_HASH_KEY_STRING, known);
    }
    return known;
}

static void take_changes(whk_keyring_t *keyring, const apr_array_header_t *changes)
{
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const whk_change_t *change = APR_ARRAY_IDX(changes, i, const whk_change_t *);
        known_t *known = know(keyring, change->enterprise_id);

        if (change->revision > known->revision)
            known->revision = change->revision;
        if (change->number > keyring->last_change)
            keyring->last_change = change->number;
    }
}

/* Under `polling`. The counters are read before the store is, so that a change in between shows
 * again rather than never. */
static const whk_outcome_t *poll(whk_keyring_t *keyring, whk_store_t *store, apr_pool_t *pool)
{
    apr_uint32_t seen[WHK_CHANGE_SLOTS];
    apr_array_header_t *changes;
    apr_time_t now = apr_time_now();
    const whk_outcome_t *outcome;
    int i;

    for (i = 0; i < WHK_CHANGE_SLOTS; i++)
        seen[i] = apr_atomic_read32(&keyring->settings.slots->changes[i]);
    outcome = whk_store_change_list(store, pool, keyring->last_change, &changes);
    apr_thread_mutex_lock(keyring->mutex);
    if (outcome) {
        keyring->retry_at = now + BACK_OFF;
    } else {
        take_changes(keyring, changes);
        memcpy(keyring->seen, seen, sizeof(seen));
        keyring->polled_at = now;
        keyring->retry_at = 0;
    }
    apr_thread_mutex_unlock(keyring->mutex);
    return outcome;
}

const whk_outcome_t *whk_keyring_poll(whk_keyring_t *keyring, whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    apr_thread_mutex_lock(keyring->polling);
    outcome = poll(keyring, store, pool);
    apr_thread_mutex_unlock(keyring->polling);
    return outcome;
}

typedef enum {
    FRESH,     /* within the lag */
    STALE,     /* no poll succeeded for longer, but for less than max_stale */
    CHANGED,   /* something of this slot changed on this node */
    UNKNOWABLE /* not within max_stale */
} freshness_t;

static freshness_t judge(const whk_keyring_t *keyring, unsigned int slot, apr_time_t now)
{
    if (keyring->seen[slot] != apr_atomic_read32(&keyring->settings.slots->changes[slot]))
        return CHANGED;
    if (now - keyring->polled_at <= keyring->settings.lag)
        return FRESH;
    return now - keyring->polled_at <= keyring->settings.max_stale ? STALE : UNKNOWABLE;
}

static freshness_t freshness(whk_keyring_t *keyring, unsigned int slot, int *may_poll)
{
    apr_time_t now = apr_time_now();
    freshness_t found;

    apr_thread_mutex_lock(keyring->mutex);
    found = judge(keyring, slot, now);
    *may_poll = now >= keyring->retry_at;
    apr_thread_mutex_unlock(keyring->mutex);
    return found;
}

static const whk_outcome_t *away(apr_pool_t *pool)
{
    return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                    "the registry's database could not be asked which keys are good, and what is "
                    "known is too old to be relied upon");
}

/* Whoever meets what is stale polls, one at a time; the others go on with what there is, but for
 * what is known to have changed. */
static const whk_outcome_t *refresh(whk_keyring_t *keyring, whk_store_t *store, unsigned int slot,
                                    freshness_t *found, apr_pool_t *pool)
{
    const whk_outcome_t *outcome = NULL;
    int may_poll;

    *found = freshness(keyring, slot, &may_poll);
    if (*found == FRESH)
        return NULL;
    if (*found == STALE && (!may_poll || apr_thread_mutex_trylock(keyring->polling)))
        return NULL;
    if (*found != STALE)
        apr_thread_mutex_lock(keyring->polling);
    *found = freshness(keyring, slot, &may_poll);
    if (*found != FRESH && may_poll) {
        outcome = poll(keyring, store, pool);
        *found = freshness(keyring, slot, &may_poll);
    }
    apr_thread_mutex_unlock(keyring->polling);
    if (*found == FRESH || *found == STALE)
        return NULL;
    return outcome ? outcome : away(pool);
}

static void install(whk_keyring_t *keyring, whk_ring_t *ring)
{
    known_t *known = know(keyring, ring->enterprise_id);

    if (ring->revision > known->revision)
        known->revision = ring->revision;
    if (known->ring && known->ring->revision >= ring->revision)
        return;
    if (known->ring) {
        whk_ring_inherit(ring, known->ring);
        whk_ring_release(known->ring, &keyring->parsed);
    }
    ring->references++;
    known->ring = ring;
}

/* One reference for the caller. The revision is read first: what changes meanwhile shows again. */
static const whk_outcome_t *read_ring(whk_keyring_t *keyring, whk_store_t *store,
                                      const char *enterprise_id, whk_ring_t **ring,
                                      apr_pool_t *pool)
{
    whk_enterprise_t *enterprise;
    apr_array_header_t *active;
    apr_array_header_t *revoked;

    WHK_TRY(whk_store_enterprise_get(store, pool, enterprise_id, &enterprise));
    if (!enterprise)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        "enterprise %s is gone: its row must never be deleted", enterprise_id);
    WHK_TRY(whk_store_key_active(store, pool, enterprise_id, &active));
    WHK_TRY(whk_store_key_revoked(store, pool, enterprise_id, WHK_REVOKED_MOST, &revoked));
    *ring = whk_ring_make(enterprise_id, enterprise->revision, active, revoked,
                          keyring->settings.secret, pool);
    if (!*ring)
        return whk_fail(pool, WHK_INTERNAL_ERROR, "out of memory for the keys of an enterprise");
    apr_thread_mutex_lock(keyring->mutex);
    install(keyring, *ring);
    apr_thread_mutex_unlock(keyring->mutex);
    return NULL;
}

/* Under the mutex. What is known of an enterprise; `ring` is set, with one reference more, where
 * that is its newest. */
static const known_t *look(whk_keyring_t *keyring, const char *enterprise_id, whk_ring_t **ring)
{
    known_t *known = apr_hash_get(keyring->enterprises, enterprise_id, APR_HASH_KEY_STRING);

    if (known && known->ring && known->ring->revision >= known->revision) {
        *ring = known->ring;
        (*ring)->references++;
    }
    return known;
}

/* `ring` is set to NULL where there is no such enterprise; else it has one reference more. */
static const whk_outcome_t *take_ring(whk_keyring_t *keyring, whk_store_t *store,
                                      const char *enterprise_id, whk_ring_t **ring,
                                      freshness_t *found, apr_pool_t *pool)
{
    unsigned int slot = slot_of(enterprise_id);
    const known_t *known = NULL;

    *ring = NULL;
    /* The common case takes the mutex once: all threads meet there. */
    apr_thread_mutex_lock(keyring->mutex);
    *found = judge(keyring, slot, apr_time_now());
    if (*found == FRESH)
        known = look(keyring, enterprise_id, ring);
    apr_thread_mutex_unlock(keyring->mutex);
    if (*found != FRESH) {
        WHK_TRY(refresh(keyring, store, slot, found, pool));
        apr_thread_mutex_lock(keyring->mutex);
        known = look(keyring, enterprise_id, ring);
        apr_thread_mutex_unlock(keyring->mutex);
    }
    if (!known || *ring)
        return NULL;
    return read_ring(keyring, store, enterprise_id, ring, pool);
}

static apr_status_t let_go(void *data)
{
    hold_t *hold = data;

    apr_thread_mutex_lock(hold->keyring->mutex);
    if (hold->parsed)
        whk_parsed_release(hold->parsed);
    whk_ring_release(hold->ring, &hold->keyring->parsed);
    apr_thread_mutex_unlock(hold->keyring->mutex);
    return APR_SUCCESS;
}

/* Takes over a reference to the ring. */
static hold_t *hold_ring(whk_keyring_t *keyring, whk_ring_t *ring, apr_pool_t *pool)
{
    hold_t *hold = apr_pcalloc(pool, sizeof(*hold));

    hold->keyring = keyring;
    hold->ring = ring;
    apr_pool_cleanup_register(pool, hold, let_go, apr_pool_cleanup_null);
    return hold;
}

static int take_parsed(hold_t *hold)
{
    whk_keyring_t *keyring = hold->keyring;

    apr_thread_mutex_lock(keyring->mutex);
    hold->parsed = hold->entry->parsed;
    if (hold->parsed) {
        hold->parsed->references++;
        whk_parsed_touch(hold->parsed, &keyring->parsed);
    }
    apr_thread_mutex_unlock(keyring->mutex);
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
    apr_thread_mutex_lock(hold->keyring->mutex);
    if (!hold->entry->parsed)
        whk_parsed_keep(hold->parsed, hold->entry, &hold->keyring->parsed);
    apr_thread_mutex_unlock(hold->keyring->mutex);
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

static const whk_outcome_t *unknown(freshness_t found, apr_pool_t *pool)
{
    /* It may have been registered meanwhile. */
    if (found != FRESH)
        return away(pool);
    return whk_refuse(pool, WHK_UNKNOWN_KEY,
                      "the signature names no key that is registered for this enterprise: register "
                      "the key, and name it by its keyId");
}

const whk_outcome_t *whk_keyring_find(whk_keyring_t *keyring, whk_store_t *store,
                                      const char *enterprise_id, const char *key_id,
                                      whk_held_key_t **key, apr_pool_t *pool)
{
    freshness_t found;
    whk_ring_t *ring;
    hold_t *hold;

    WHK_TRY(take_ring(keyring, store, enterprise_id, &ring, &found, pool));
    if (!ring)
        return unknown(found, pool);
    hold = hold_ring(keyring, ring, pool);
    hold->entry = whk_ring_find(ring, key_id);
    if (!hold->entry)
        return unknown(found, pool);
    if (hold->entry->flaw == WHK_INTERNAL_ERROR)
        return whk_key_is_bad(pool, enterprise_id, key_id, "it is not as this module wrote it");
    if (!hold->entry->jwk)
        return whk_refuse(pool, WHK_KEY_REVOKED, "%s", whk_code_message(WHK_KEY_REVOKED));
    if (hold->entry->flaw)
        return whk_refuse(pool, (whk_code_t)hold->entry->flaw, "%s",
                          whk_code_message((whk_code_t)hold->entry->flaw));
    return hold_key(hold, key, pool);
}

static int by_order(const void *a, const void *b)
{
    return ((const hold_t *)a)->entry->order - ((const hold_t *)b)->entry->order;
}

const whk_outcome_t *whk_keyring_find_eddsa(whk_keyring_t *keyring, whk_store_t *store,
                                            const char *enterprise_id, apr_array_header_t **keys,
                                            apr_pool_t *pool)
{
    freshness_t found;
    whk_ring_t *ring;
    apr_array_header_t *holds = apr_array_make(pool, 4, sizeof(hold_t));
    int i;

    *keys = apr_array_make(pool, 4, sizeof(whk_held_key_t *));
    WHK_TRY(take_ring(keyring, store, enterprise_id, &ring, &found, pool));
    if (!ring)
        return unknown(found, pool);
    hold_ring(keyring, ring, pool);
    for (i = 0; i < ring->count; i++)
        if (ring->entries[i].is_eddsa && !ring->entries[i].flaw) {
            hold_t hold = {keyring, ring, &ring->entries[i], NULL};

            APR_ARRAY_PUSH(holds, hold_t) = hold;
        }
    if (!holds->nelts)
        return unknown(found, pool);
    qsort(holds->elts, (size_t)holds->nelts, sizeof(hold_t), by_order);
    for (i = 0; i < holds->nelts; i++) {
        hold_t *hold;

        apr_thread_mutex_lock(keyring->mutex);
        ring->references++;
        apr_thread_mutex_unlock(keyring->mutex);
        hold = hold_ring(keyring, ring, pool);
        hold->entry = APR_ARRAY_IDX(holds, i, hold_t).entry;
        WHK_TRY(hold_key(hold, &APR_ARRAY_PUSH(*keys, whk_held_key_t *), pool));
    }
    return NULL;
}

static void add_use(whk_keyring_t *keyring, const char *enterprise_id, const char *key_id,
                    apr_time_t when)
{
    use_t *use;

    if (keyring->use_count >= USES_MOST)
        return;
    use = apr_palloc(keyring->uses_pool, sizeof(*use));
    use->enterprise_id = apr_pstrdup(keyring->uses_pool, enterprise_id);
    use->key_id = apr_pstrdup(keyring->uses_pool, key_id);
    use->when = when;
    use->next = keyring->uses;
    keyring->uses = use;
    keyring->use_count++;
}

void whk_keyring_note_use(whk_keyring_t *keyring, const whk_held_key_t *key, apr_time_t when)
{
    const hold_t *hold = key->owner;

    if (when - __atomic_load_n(&hold->entry->used, __ATOMIC_RELAXED) < USE_STEP)
        return;
    apr_thread_mutex_lock(keyring->mutex);
    if (when - hold->entry->used >= USE_STEP) {
        __atomic_store_n(&hold->entry->used, when, __ATOMIC_RELAXED);
        add_use(keyring, hold->ring->enterprise_id, key->key_id, when);
    }
    apr_thread_mutex_unlock(keyring->mutex);
}

static const whk_outcome_t *write_uses(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const use_t *use;

    for (use = baton; use; use = use->next)
        WHK_TRY(
            whk_store_key_used(store, pool, use->enterprise_id, use->key_id, use->when, USE_STEP));
    return NULL;
}

const whk_outcome_t *whk_keyring_write_uses(whk_keyring_t *keyring, whk_store_t *store,
                                            apr_pool_t *pool)
{
    apr_pool_t *taken_pool = NULL;
    use_t *taken;
    const use_t *use;
    const whk_outcome_t *outcome;

    apr_thread_mutex_lock(keyring->mutex);
    taken = keyring->uses;
    if (taken && apr_pool_create_unmanaged_ex(&taken_pool, NULL, NULL) == APR_SUCCESS) {
        apr_pool_t *emptied = taken_pool;

        taken_pool = keyring->uses_pool;
        keyring->uses_pool = emptied;
        keyring->uses = NULL;
        keyring->use_count = 0;
    }
    apr_thread_mutex_unlock(keyring->mutex);
    if (!taken_pool)
        return NULL;
    outcome = whk_store_transaction(store, pool, write_uses, taken);
    if (outcome) {
        apr_thread_mutex_lock(keyring->mutex);
        for (use = taken; use; use = use->next)
            add_use(keyring, use->enterprise_id, use->key_id, use->when);
        apr_thread_mutex_unlock(keyring->mutex);
    }
    apr_pool_destroy(taken_pool);
    return outcome;
}
