/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/enterprise_keys.h"

#include <stdlib.h>
#include <string.h>

#include "model/clock.h"
#include "model/log_number.h"
#include "registry/followed_set.h"
#include "registry/remote_jwk_set.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/remote_sets.h"

#define NEVER APR_INT64_MAX

/* ---- made of rows ---- */

/* The rows of an enterprise while its keys are made of them. */
typedef struct {
    const apr_array_header_t *active;
    const apr_array_header_t *revoked;
    const whk_secret_key_t *secret;
    apr_pool_t *pool;
} rows_t;

/* A key that came by a set is worth nothing where that is not there any more: its row says REVOKED
 * too, where it is ours. */
static char flaw_of_set(const whk_key_t *key, const rows_t *rows)
{
    const whk_key_t *set = whk_followed_set_of(rows->active, key);

    if (!set)
        return WHK_KEY_REVOKED;
    return whk_key_flaw(rows->pool, rows->secret, set) ? WHK_INTERNAL_ERROR : 0;
}

/* Why a key does not verify now, beside that it may be revoked. */
static char flaw_of(const whk_key_t *key, const rows_t *rows)
{
    char flaw = 0;

    if (whk_key_flaw(rows->pool, rows->secret, key))
        return WHK_INTERNAL_ERROR;
    if (key->followed_by && key->status == WHK_KEY_STATUS_ACTIVE)
        flaw = flaw_of_set(key, rows);
    if (flaw)
        return flaw;
    switch (key->remote_flaw) {
    case WHK_REMOTE_GOOD:
        return 0;
    case WHK_REMOTE_UNREACHABLE:
        return WHK_JWKS_URI_UNREACHABLE;
    case WHK_REMOTE_GONE:
        return WHK_UNKNOWN_KEY;
    default:
        return WHK_JWKS_URI_KEY_CHANGED;
    }
}

static apr_size_t text_size(const whk_key_t *key)
{
    return strlen(key->key_id) + 1 +
           (key->status == WHK_KEY_STATUS_ACTIVE ? strlen(key->jwk) + 1 : 0);
}

static const char *put_text(char **free_space, const char *text)
{
    apr_size_t size = strlen(text) + 1;
    char *copy = memcpy(*free_space, text, size);

    *free_space += size;
    return copy;
}

/* A time of the wall clock by the one that nobody sets, as far as is known now, and never too
 * early. */
static apr_time_t clock_of(apr_time_t when)
{
    apr_time_t now = apr_time_now();

    return when ? whk_clock_now() + (when - now) : 0;
}

/* Planned for it, or for the set that it came by. */
static apr_time_t revokes_of(const whk_key_t *key, const rows_t *rows)
{
    const whk_key_t *set = key->followed_by ? whk_followed_set_of(rows->active, key) : NULL;

    if (!set || !set->revokes || (key->revokes && key->revokes < set->revokes))
        return key->revokes;
    return set->revokes;
}

static void put_keys(whk_enterprise_keys_t *made, const rows_t *rows,
                     const apr_array_header_t *keys, char **free_space)
{
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        whk_enterprise_key_t *entry = &made->keys[made->count];

        /* It verifies nothing itself. */
        if (whk_key_is_set(key)) {
            made->follows |= key->status == WHK_KEY_STATUS_ACTIVE;
            continue;
        }
        entry->key_id = put_text(free_space, key->key_id);
        entry->order = made->count++;
        entry->flaw = flaw_of(key, rows);
        if (key->status != WHK_KEY_STATUS_ACTIVE)
            continue;
        entry->jwk = put_text(free_space, key->jwk);
        entry->last_used = key->last_used;
        entry->end = NEVER;
        entry->revokes = revokes_of(key, rows);
        entry->revokes_end = clock_of(entry->revokes);
        /* It is as whk_jwk_parse() writes it. */
        entry->is_ed25519 = strstr(key->jwk, "\"crv\":\"Ed25519\"") != NULL;
    }
}

static int by_key_id(const void *a, const void *b)
{
    return strcmp(((const whk_enterprise_key_t *)a)->key_id,
                  ((const whk_enterprise_key_t *)b)->key_id);
}

static apr_size_t texts_size(const apr_array_header_t *keys)
{
    apr_size_t size = 0;
    int i;

    for (i = 0; i < keys->nelts; i++)
        size += text_size(APR_ARRAY_IDX(keys, i, const whk_key_t *));
    return size;
}

/* NULL: out of memory. */
static whk_enterprise_keys_t *make(const whk_enterprise_t *enterprise, const rows_t *rows)
{
    apr_size_t keys =
        (apr_size_t)(rows->active->nelts + rows->revoked->nelts) * sizeof(whk_enterprise_key_t);
    apr_size_t size = sizeof(whk_enterprise_keys_t) + keys + strlen(enterprise->id) + 1 +
                      texts_size(rows->active) + texts_size(rows->revoked);
    whk_enterprise_keys_t *made = calloc(1, size);
    char *free_space;

    if (!made)
        return NULL;
    free_space = (char *)made->keys + keys;
    made->size = size;
    made->enterprise_id = put_text(&free_space, enterprise->id);
    made->revision = enterprise->revision;
    made->references = 1;
    put_keys(made, rows, rows->active, &free_space);
    put_keys(made, rows, rows->revoked, &free_space);
    qsort(made->keys, (size_t)made->count, sizeof(made->keys[0]), by_key_id);
    return made;
}

/* ---- read from the store ---- */

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
static const whk_outcome_t *read_ends(whk_store_t *store, const whk_key_validity_t *validity,
                                      whk_enterprise_keys_t *keys, const apr_array_header_t *active,
                                      apr_pool_t *pool)
{
    apr_array_header_t *sets = NULL;
    int i;

    for (i = 0; i < active->nelts; i++) {
        const whk_key_t *row = APR_ARRAY_IDX(active, i, const whk_key_t *);
        whk_enterprise_key_t *key =
            row->jwks_uri ? whk_enterprise_keys_find(keys, row->key_id) : NULL;
        const whk_remote_set_t *set;

        if (!key)
            continue;
        if (!sets)
            WHK_TRY(whk_store_remote_set_list(store, pool, keys->enterprise_id, &sets));
        set = set_of(sets, row->jwks_uri);
        key->fresh_until = set ? set->fresh_until : 0;
        key->end = set ? keys->read_at + validity->max_stale +
                             whk_remote_fresh_for(set->fresh_until, apr_time_now(),
                                                  validity->jwks_uri_refresh)
                       : 0;
    }
    return NULL;
}

/* The revision is read first: what changes meanwhile shows again. */
const whk_outcome_t *whk_enterprise_keys_read(whk_store_t *store, const char *enterprise_id,
                                              const whk_key_validity_t *validity,
                                              whk_enterprise_keys_t **keys, apr_pool_t *pool)
{
    apr_time_t began = whk_clock_now();
    whk_enterprise_t *enterprise;
    apr_array_header_t *active;
    apr_array_header_t *revoked;
    whk_enterprise_keys_t *made;
    const whk_outcome_t *outcome;

    *keys = NULL;
    WHK_TRY(whk_store_enterprise_get(store, pool, enterprise_id, &enterprise));
    if (!enterprise)
        return NULL;
    WHK_TRY(whk_store_key_list_active(store, pool, enterprise_id, &active));
    WHK_TRY(whk_store_key_list_revoked(store, pool, enterprise_id, WHK_REVOKED_MOST, &revoked));
    made = make(enterprise, &(rows_t){active, revoked, validity->secret, pool});
    if (!made)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0206) "out of memory for the keys of an enterprise");
    made->read_at = began;
    outcome = read_ends(store, validity, made, active, pool);
    if (outcome)
        free(made);
    else
        *keys = made;
    return outcome;
}

/* ---- at hand ---- */

whk_enterprise_key_t *whk_enterprise_keys_find(whk_enterprise_keys_t *keys, const char *key_id)
{
    whk_enterprise_key_t wanted = {.key_id = key_id};

    return bsearch(&wanted, keys->keys, (size_t)keys->count, sizeof(keys->keys[0]), by_key_id);
}

int whk_enterprise_key_is_revoked(whk_enterprise_key_t *key, apr_time_t now)
{
    if (!key->jwk)
        return 1;
    if (!key->revokes)
        return 0;
    if (now >= __atomic_load_n(&key->revokes_end, __ATOMIC_RELAXED))
        return 1;
    if (apr_time_now() < key->revokes)
        return 0;
    __atomic_store_n(&key->revokes_end, now, __ATOMIC_RELAXED);
    return 1;
}

int whk_enterprise_key_flaw(const whk_enterprise_key_t *key, apr_time_t now)
{
    if (key->flaw)
        return key->flaw;
    return now > key->end ? WHK_JWKS_URI_UNREACHABLE : 0;
}

static int has_ended(whk_enterprise_key_t *key, apr_time_t now)
{
    return !key->flaw && now > key->end && !whk_enterprise_key_is_revoked(key, now);
}

int whk_enterprise_keys_ended(whk_enterprise_keys_t *keys, const char *key_id, apr_time_t now)
{
    whk_enterprise_key_t *key;
    int i;

    if (key_id) {
        key = whk_enterprise_keys_find(keys, key_id);
        return key && has_ended(key, now);
    }
    for (i = 0; i < keys->count; i++)
        if (has_ended(&keys->keys[i], now))
            return 1;
    return 0;
}

static void inherit_time(apr_time_t *time, apr_time_t *older)
{
    apr_time_t value = __atomic_load_n(older, __ATOMIC_RELAXED);

    if (value > *time)
        *time = value;
}

static void inherit_earlier(apr_time_t *time, apr_time_t *older)
{
    apr_time_t value = __atomic_load_n(older, __ATOMIC_RELAXED);

    if (value < *time)
        *time = value;
}

void whk_enterprise_keys_inherit(whk_enterprise_keys_t *keys, whk_enterprise_keys_t *older,
                                 whk_parsed_keys_t *parsed)
{
    int i;

    inherit_time(&keys->asked, &older->asked);
    for (i = 0; i < keys->count; i++) {
        whk_enterprise_key_t *key = &keys->keys[i];
        whk_enterprise_key_t *old = key->jwk ? whk_enterprise_keys_find(older, key->key_id) : NULL;

        if (!old || !old->jwk)
            continue;
        /* The same answer ends when it ended, whoever set a clock meanwhile. */
        if (key->fresh_until && key->fresh_until == old->fresh_until)
            key->end = old->end;
        /* What was revoked here stays so. */
        if (key->revokes && key->revokes == old->revokes)
            inherit_earlier(&key->revokes_end, &old->revokes_end);
        if (strcmp(key->jwk, old->jwk) != 0)
            continue;
        inherit_time(&key->used, &old->used);
        inherit_time(&key->last_used, &old->last_used);
        whk_parsed_keys_move(parsed, &old->parsed, &key->parsed);
    }
}

void whk_enterprise_keys_retain(whk_enterprise_keys_t *keys)
{
    __atomic_add_fetch(&keys->references, 1, __ATOMIC_SEQ_CST);
}

void whk_enterprise_keys_release(whk_enterprise_keys_t *keys, whk_parsed_keys_t *parsed)
{
    int i;

    if (__atomic_sub_fetch(&keys->references, 1, __ATOMIC_SEQ_CST) > 0)
        return;
    for (i = 0; i < keys->count; i++)
        if (keys->keys[i].jwk)
            whk_parsed_keys_drop(parsed, &keys->keys[i].parsed);
    free(keys);
}
