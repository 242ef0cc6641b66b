/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/enterprise_keys.h"

#include <stdlib.h>
#include <string.h>

#include "registry/seal.h"

/* Why a key does not verify now, beside that it may be revoked. */
static char flaw_of(const whk_key_t *key, const whk_secret_key_t *secret, apr_pool_t *pool)
{
    if (whk_key_flaw(pool, secret, key))
        return WHK_INTERNAL_ERROR;
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

static void put_keys(whk_enterprise_keys_t *ring, const apr_array_header_t *keys, char **free_space,
                     const whk_secret_key_t *secret, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        whk_key_entry_t *entry = &ring->entries[ring->count];

        entry->key_id = put_text(free_space, key->key_id);
        entry->order = ring->count++;
        entry->flaw = flaw_of(key, secret, pool);
        if (key->status != WHK_KEY_STATUS_ACTIVE)
            continue;
        entry->jwk = put_text(free_space, key->jwk);
        entry->last_used = key->last_used;
        entry->end = WHK_NEVER;
        /* It is as whk_jwk_parse() writes it. */
        entry->is_ed25519 = strstr(key->jwk, "\"crv\":\"Ed25519\"") != NULL;
    }
}

static int by_key_id(const void *a, const void *b)
{
    return strcmp(((const whk_key_entry_t *)a)->key_id, ((const whk_key_entry_t *)b)->key_id);
}

static apr_size_t texts_size(const apr_array_header_t *keys)
{
    apr_size_t size = 0;
    int i;

    for (i = 0; i < keys->nelts; i++)
        size += text_size(APR_ARRAY_IDX(keys, i, const whk_key_t *));
    return size;
}

whk_enterprise_keys_t *whk_enterprise_keys_make(const char *enterprise_id, apr_int64_t revision,
                                                const apr_array_header_t *active,
                                                const apr_array_header_t *revoked,
                                                const whk_secret_key_t *secret, apr_pool_t *pool)
{
    apr_size_t entries = (apr_size_t)(active->nelts + revoked->nelts) * sizeof(whk_key_entry_t);
    whk_enterprise_keys_t *ring = calloc(1, sizeof(*ring) + entries + strlen(enterprise_id) + 1 +
                                                texts_size(active) + texts_size(revoked));
    char *free_space;

    if (!ring)
        return NULL;
    free_space = (char *)ring->entries + entries;
    ring->enterprise_id = put_text(&free_space, enterprise_id);
    ring->revision = revision;
    ring->references = 1;
    put_keys(ring, active, &free_space, secret, pool);
    put_keys(ring, revoked, &free_space, secret, pool);
    qsort(ring->entries, (size_t)ring->count, sizeof(ring->entries[0]), by_key_id);
    return ring;
}

whk_key_entry_t *whk_enterprise_keys_find(whk_enterprise_keys_t *ring, const char *key_id)
{
    whk_key_entry_t wanted = {.key_id = key_id};

    return bsearch(&wanted, ring->entries, (size_t)ring->count, sizeof(ring->entries[0]),
                   by_key_id);
}

void whk_enterprise_keys_set_end(whk_key_entry_t *entry, apr_time_t fresh_until, apr_time_t end)
{
    entry->fresh_until = fresh_until;
    entry->end = end;
}

int whk_key_entry_flaw(const whk_key_entry_t *entry, apr_time_t now)
{
    if (entry->flaw)
        return entry->flaw;
    return now > entry->end ? WHK_JWKS_URI_UNREACHABLE : 0;
}

static int has_ended(const whk_key_entry_t *entry, apr_time_t now)
{
    return entry->jwk && !entry->flaw && now > entry->end;
}

int whk_enterprise_keys_has_ended(whk_enterprise_keys_t *ring, const char *key_id, apr_time_t now)
{
    const whk_key_entry_t *entry;
    int i;

    if (key_id) {
        entry = whk_enterprise_keys_find(ring, key_id);
        return entry && has_ended(entry, now);
    }
    for (i = 0; i < ring->count; i++)
        if (has_ended(&ring->entries[i], now))
            return 1;
    return 0;
}

void whk_enterprise_keys_inherit(whk_enterprise_keys_t *ring, whk_enterprise_keys_t *older)
{
    int i;

    for (i = 0; i < ring->count; i++) {
        whk_key_entry_t *entry = &ring->entries[i];
        whk_key_entry_t *old = entry->jwk ? whk_enterprise_keys_find(older, entry->key_id) : NULL;

        if (!old || !old->jwk)
            continue;
        /* The same answer ends when it ended, whoever set a clock meanwhile. */
        if (entry->fresh_until && entry->fresh_until == old->fresh_until)
            entry->end = old->end;
        if (strcmp(entry->jwk, old->jwk) != 0)
            continue;
        if (old->used > entry->used)
            entry->used = old->used;
        if (old->last_used > entry->last_used)
            entry->last_used = old->last_used;
        entry->parsed = old->parsed;
        old->parsed = NULL;
        if (entry->parsed)
            entry->parsed->entry = entry;
    }
}

void whk_parsed_release(whk_parsed_t *parsed)
{
    if (--parsed->references == 0)
        apr_pool_destroy(parsed->pool);
}

static void forget(whk_parsed_t *parsed, whk_parsed_list_t *list)
{
    APR_RING_REMOVE(parsed, link);
    list->count--;
    parsed->entry->parsed = NULL;
    parsed->entry = NULL;
    whk_parsed_release(parsed);
}

void whk_enterprise_keys_release(whk_enterprise_keys_t *ring, whk_parsed_list_t *list)
{
    int i;

    if (--ring->references > 0)
        return;
    for (i = 0; i < ring->count; i++)
        if (ring->entries[i].parsed)
            forget(ring->entries[i].parsed, list);
    free(ring);
}

whk_parsed_t *whk_parsed_make(const char *jwk)
{
    apr_pool_t *pool;
    whk_parsed_t *parsed;

    /* Of no other pool: which thread frees it last is not known. */
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return NULL;
    parsed = apr_pcalloc(pool, sizeof(*parsed));
    parsed->pool = pool;
    parsed->references = 1;
    parsed->jwk = whk_jwk_load(jwk, pool);
    if (parsed->jwk)
        return parsed;
    apr_pool_destroy(pool);
    return NULL;
}

void whk_parsed_keep(whk_parsed_t *parsed, whk_key_entry_t *entry, whk_parsed_list_t *list)
{
    entry->parsed = parsed;
    parsed->entry = entry;
    parsed->references++;
    APR_RING_INSERT_HEAD(&list->head, parsed, whk_parsed_t, link);
    if (++list->count > WHK_PARSED_MOST)
        forget(APR_RING_LAST(&list->head), list);
}

void whk_parsed_touch(whk_parsed_t *parsed, whk_parsed_list_t *list)
{
    APR_RING_REMOVE(parsed, link);
    APR_RING_INSERT_HEAD(&list->head, parsed, whk_parsed_t, link);
}
