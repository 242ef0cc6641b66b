/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/revision_table.h"

#include <apr_general.h>
#include <apr_siphash.h>
#include <string.h>

/* Where what readers look at is written in one go each, in an order by which they find nothing that
 * is half there. */
#define READ(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define WRITE(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define READ_FIRST(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define WRITE_LAST(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)

#define WORDS 2

/* The smallest index has 2^BITS_LEAST places. */
#define BITS_LEAST 10

/* Entries are in the order in which they came. */
typedef struct {
    apr_uint64_t name[WORDS];
    apr_int64_t revision;
    apr_int64_t number;
} entry_t;

/* Behind it lie the entries, and behind those the indexes, each twice as large as the one before.
 * One of them is in force; a place in it is the number of an entry, from 1. */
struct whk_revision_table_t {
    unsigned char keys[WORDS][APR_SIPHASH_KSIZE];
    apr_uint32_t most;
    apr_uint32_t count; /* entries that were begun; the writer's alone */
    apr_uint32_t bits;  /* of the index in force */
};

typedef struct {
    apr_uint64_t words[WORDS];
} name_t;

static apr_size_t places(apr_uint32_t bits)
{
    return (apr_size_t)1 << bits;
}

/* At most two thirds of the places are taken, or chains grow long. */
static int is_room(apr_uint32_t bits, apr_size_t count)
{
    return count <= places(bits) / 3 * 2;
}

static apr_uint32_t bits_for(apr_uint32_t most)
{
    apr_uint32_t bits = BITS_LEAST;

    while (!is_room(bits, most))
        bits++;
    return bits;
}

apr_size_t whk_revision_table_size(apr_uint32_t most)
{
    return sizeof(whk_revision_table_t) + 8 + sizeof(entry_t) * (apr_size_t)most +
           sizeof(apr_uint32_t) * places(bits_for(most) + 1);
}

static entry_t *entries(const whk_revision_table_t *table)
{
    return (entry_t *)((char *)table + APR_ALIGN(sizeof(*table), 8));
}

static apr_uint32_t *index_of(const whk_revision_table_t *table, apr_uint32_t bits)
{
    return (apr_uint32_t *)(entries(table) + table->most) + places(bits) - places(BITS_LEAST);
}

whk_revision_table_t *whk_revision_table_init(void *memory, apr_uint32_t most)
{
    whk_revision_table_t *table = memory;

    if (apr_generate_random_bytes(&table->keys[0][0], sizeof(table->keys)) != APR_SUCCESS)
        return NULL;
    table->most = most;
    table->bits = BITS_LEAST;
    return table;
}

apr_uint32_t whk_revision_table_count(const whk_revision_table_t *table)
{
    return __atomic_load_n(&table->count, __ATOMIC_RELAXED);
}

apr_uint32_t whk_revision_table_most(const whk_revision_table_t *table)
{
    return table->most;
}

static name_t name_of(const whk_revision_table_t *table, const char *enterprise_id)
{
    apr_size_t length = strlen(enterprise_id);
    name_t name;
    int i;

    for (i = 0; i < WORDS; i++)
        name.words[i] = apr_siphash24(enterprise_id, length, table->keys[i]);
    return name;
}

static int is_named(const entry_t *entry, const name_t *name)
{
    return READ(&entry->name[0]) == name->words[0] && READ(&entry->name[1]) == name->words[1];
}

/* The entry of this name in one index, or NULL. `free_place` may be NULL; else it is set to where
 * the name would go. */
static entry_t *find(const whk_revision_table_t *table, apr_uint32_t bits, const name_t *name,
                     apr_uint32_t **free_place)
{
    apr_uint32_t *index = index_of(table, bits);
    apr_size_t mask = places(bits) - 1;
    apr_size_t at = (apr_size_t)name->words[0] & mask;
    apr_uint32_t number;

    for (; (number = READ_FIRST(&index[at])) != 0; at = (at + 1) & mask)
        if (is_named(&entries(table)[number - 1], name))
            return &entries(table)[number - 1];
    if (free_place)
        *free_place = &index[at];
    return NULL;
}

int whk_revision_table_get(const whk_revision_table_t *table, const char *enterprise_id,
                           whk_known_revision_t *known)
{
    const name_t name = name_of(table, enterprise_id);
    const entry_t *entry = find(table, READ_FIRST(&table->bits), &name, NULL);

    if (!entry)
        return 0;
    known->revision = READ(&entry->revision);
    known->number = READ(&entry->number);
    return 1;
}

static void set(entry_t *entry, const whk_known_revision_t *known)
{
    WRITE(&entry->revision, known->revision);
    WRITE(&entry->number, known->number);
}

/* By the index that there is: an entry that it does not hold was left by a writer that was killed,
 * as may be what the next index holds. */
static void grow(whk_revision_table_t *table)
{
    const apr_uint32_t *index = index_of(table, table->bits);
    apr_uint32_t bits = table->bits + 1;
    apr_uint32_t *place;
    apr_size_t i;

    memset(index_of(table, bits), 0, places(bits) * sizeof(*place));
    for (i = 0; i < places(table->bits); i++) {
        const entry_t *entry = index[i] ? &entries(table)[index[i] - 1] : NULL;
        name_t name;

        if (!entry)
            continue;
        memcpy(name.words, entry->name, sizeof(name.words));
        find(table, bits, &name, &place);
        WRITE(place, index[i]);
    }
    WRITE_LAST(&table->bits, bits);
}

int whk_revision_table_put(whk_revision_table_t *table, const char *enterprise_id,
                           const whk_known_revision_t *known)
{
    const name_t name = name_of(table, enterprise_id);
    apr_uint32_t *place;
    entry_t *entry = find(table, table->bits, &name, &place);
    int i;

    if (entry) {
        set(entry, known);
        return 1;
    }
    if (table->count == table->most)
        return 0;
    if (!is_room(table->bits, table->count + 1)) {
        grow(table);
        find(table, table->bits, &name, &place);
    }
    /* Counted before it can be found: a writer that is killed in between leaves an entry that
     * nobody finds, and never one that the next would write over. */
    entry = &entries(table)[table->count++];
    for (i = 0; i < WORDS; i++)
        WRITE(&entry->name[i], name.words[i]);
    set(entry, known);
    WRITE_LAST(place, table->count);
    return 1;
}

void whk_revision_table_clear(whk_revision_table_t *table)
{
    memset(index_of(table, table->bits), 0, places(table->bits) * sizeof(apr_uint32_t));
    memset(index_of(table, BITS_LEAST), 0, places(BITS_LEAST) * sizeof(apr_uint32_t));
    WRITE_LAST(&table->bits, BITS_LEAST);
    table->count = 0;
}
