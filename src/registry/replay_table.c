/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/replay_table.h"

#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#define WORDS 4

/* Entries that are looked at for their end: for each name, and where a share is full. */
#define SWEEP_EACH 16
#define SWEEP_FULL 4096

/* Nodes are known by index, from 1; 0 is none. */
typedef struct {
    apr_uint32_t id[WORDS]; /* the first bytes of its name */
    apr_uint32_t next;      /* in its chain, or in the list of free nodes */
} node_t;

/* A use. */
typedef struct {
    node_t node;
    apr_uint32_t end;        /* wall clock, seconds; 0: a free node */
    apr_uint32_t steady_end; /* steady clock, seconds */
    apr_uint32_t owner;
} entry_t;

/* An enterprise that holds entries. */
typedef struct {
    node_t node;
    apr_uint32_t held;
} owner_t;

/* Nodes of one kind, and the chains that they are found by. Places are offsets in the block. */
typedef struct {
    apr_uint64_t heads;
    apr_uint64_t nodes;
    apr_uint32_t node_size;
    apr_uint32_t touched; /* nodes beyond were never used */
    apr_uint32_t free;    /* first of the list of those that were */
} table_t;

/* What is true is in the entries alone (those with an end) and in the ids of their owners. Chains,
 * lists and counts follow from it: see rebuild(). */
struct whk_replay_table_t {
    apr_uint64_t secret[WORDS + 1];
    table_t entries;
    table_t owners;
    apr_uint32_t size; /* entries there may be */
    apr_uint32_t mask; /* chains less one */
    apr_uint32_t live;
    apr_uint32_t hand;   /* the entry that was last looked at for its end */
    apr_uint32_t inside; /* a call has begun and not ended */
};

typedef struct {
    apr_uint32_t wall;
    apr_uint32_t steady;
} seconds_t;

/* What stands before is written before what stands behind. A killed process has done all that it
 * had done, so this is the compiler's to keep. */
static void in_this_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

int whk_replay_name(whk_replay_name_t *name, const char *enterprise_id, const char *id,
                    apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "%" APR_SIZE_T_FMT ":%s%s", strlen(enterprise_id),
                                    enterprise_id, id ? id : "");

    return EVP_Digest(text, strlen(text), name->bytes, NULL, EVP_sha256(), NULL) == 1;
}

static apr_uint32_t chains_for(apr_uint32_t entries)
{
    apr_uint32_t chains = 1;

    while (chains < entries)
        chains *= 2;
    return chains;
}

apr_size_t whk_replay_table_size(apr_uint32_t entries)
{
    return sizeof(whk_replay_table_t) + (sizeof(entry_t) + sizeof(owner_t)) * (apr_size_t)entries +
           2 * sizeof(apr_uint32_t) * (apr_size_t)chains_for(entries);
}

whk_replay_table_t *whk_replay_table_init(void *block, apr_uint32_t entries)
{
    whk_replay_table_t *memory = block;
    apr_uint32_t chains = chains_for(entries);

    if (RAND_bytes((unsigned char *)memory->secret, sizeof(memory->secret)) != 1)
        return NULL;
    memory->size = entries;
    memory->mask = chains - 1;
    memory->entries.node_size = sizeof(entry_t);
    memory->entries.nodes = sizeof(*memory);
    memory->owners.node_size = sizeof(owner_t);
    memory->owners.nodes = memory->entries.nodes + sizeof(entry_t) * (apr_uint64_t)entries;
    memory->entries.heads = memory->owners.nodes + sizeof(owner_t) * (apr_uint64_t)entries;
    memory->owners.heads = memory->entries.heads + sizeof(apr_uint32_t) * (apr_uint64_t)chains;
    return memory;
}

apr_uint32_t whk_replay_table_live(const whk_replay_table_t *memory)
{
    return __atomic_load_n(&memory->live, __ATOMIC_RELAXED);
}

apr_uint32_t whk_replay_table_entries(const whk_replay_table_t *memory)
{
    return memory->size;
}

static node_t *node_at(whk_replay_table_t *memory, const table_t *table, apr_uint32_t index)
{
    return (node_t *)((char *)memory + table->nodes + (apr_uint64_t)table->node_size * (index - 1));
}

static entry_t *entry_at(whk_replay_table_t *memory, apr_uint32_t index)
{
    return (entry_t *)node_at(memory, &memory->entries, index);
}

static owner_t *owner_at(whk_replay_table_t *memory, apr_uint32_t index)
{
    return (owner_t *)node_at(memory, &memory->owners, index);
}

/* Multilinear hashing by secret factors: who chooses ids can't choose their chain. */
static apr_uint32_t *head_of(whk_replay_table_t *memory, const table_t *table,
                             const apr_uint32_t *id)
{
    apr_uint32_t *heads = (apr_uint32_t *)((char *)memory + table->heads);
    apr_uint64_t sum = memory->secret[WORDS];
    int i;

    for (i = 0; i < WORDS; i++)
        sum += memory->secret[i] * id[i];
    return &heads[(sum >> 32) & memory->mask];
}

/* The next node of this id behind `index` (0: the first). */
static apr_uint32_t find(whk_replay_table_t *memory, const table_t *table, const apr_uint32_t *id,
                         apr_uint32_t index)
{
    index = index ? node_at(memory, table, index)->next : *head_of(memory, table, id);
    while (index && memcmp(node_at(memory, table, index)->id, id, sizeof(((node_t *)0)->id)) != 0)
        index = node_at(memory, table, index)->next;
    return index;
}

static apr_uint32_t take(whk_replay_table_t *memory, table_t *table)
{
    apr_uint32_t index = table->free;

    if (!index)
        return ++table->touched;
    table->free = node_at(memory, table, index)->next;
    return index;
}

static void release(whk_replay_table_t *memory, table_t *table, apr_uint32_t index)
{
    node_at(memory, table, index)->next = table->free;
    table->free = index;
}

static void chain(whk_replay_table_t *memory, const table_t *table, apr_uint32_t index)
{
    node_t *node = node_at(memory, table, index);
    apr_uint32_t *head = head_of(memory, table, node->id);

    node->next = *head;
    *head = index;
}

static void unchain(whk_replay_table_t *memory, const table_t *table, apr_uint32_t index)
{
    const node_t *node = node_at(memory, table, index);
    apr_uint32_t *link = head_of(memory, table, node->id);

    while (*link != index)
        link = &node_at(memory, table, *link)->next;
    *link = node->next;
}

static void forget_chains(whk_replay_table_t *memory, table_t *table)
{
    memset((char *)memory + table->heads, 0, sizeof(apr_uint32_t) * ((apr_size_t)memory->mask + 1));
    table->free = 0;
}

/* Makes what follows from the entries anew. */
static void rebuild(whk_replay_table_t *memory)
{
    apr_uint32_t i;

    forget_chains(memory, &memory->entries);
    forget_chains(memory, &memory->owners);
    memory->live = 0;
    for (i = 1; i <= memory->owners.touched; i++)
        owner_at(memory, i)->held = 0;
    for (i = 1; i <= memory->entries.touched; i++) {
        if (!entry_at(memory, i)->end) {
            release(memory, &memory->entries, i);
            continue;
        }
        chain(memory, &memory->entries, i);
        owner_at(memory, entry_at(memory, i)->owner)->held++;
        memory->live++;
    }
    for (i = 1; i <= memory->owners.touched; i++) {
        if (owner_at(memory, i)->held)
            chain(memory, &memory->owners, i);
        else
            release(memory, &memory->owners, i);
    }
}

static void enter(whk_replay_table_t *memory)
{
    if (memory->inside)
        rebuild(memory);
    memory->inside = 1;
    in_this_order();
}

static void leave(whk_replay_table_t *memory)
{
    in_this_order();
    memory->inside = 0;
}

static void drop(whk_replay_table_t *memory, apr_uint32_t index)
{
    entry_t *entry = entry_at(memory, index);
    apr_uint32_t owner = entry->owner;

    entry->end = 0;
    in_this_order();
    unchain(memory, &memory->entries, index);
    release(memory, &memory->entries, index);
    memory->live--;
    if (--owner_at(memory, owner)->held)
        return;
    unchain(memory, &memory->owners, owner);
    release(memory, &memory->owners, owner);
}

static int has_ended(const entry_t *entry, const seconds_t *now)
{
    return entry->end < now->wall && entry->steady_end < now->steady;
}

static void sweep(whk_replay_table_t *memory, const seconds_t *now, apr_uint32_t steps)
{
    if (steps > memory->entries.touched)
        steps = memory->entries.touched;
    while (steps--) {
        memory->hand = memory->hand < memory->entries.touched ? memory->hand + 1 : 1;
        if (entry_at(memory, memory->hand)->end && has_ended(entry_at(memory, memory->hand), now))
            drop(memory, memory->hand);
    }
}

/* An id is the first bytes of a name. */
static void read_id(apr_uint32_t id[WORDS], const whk_replay_name_t *name)
{
    memcpy(id, name->bytes, WORDS * sizeof(*id));
}

static int is_known(whk_replay_table_t *memory, const whk_replay_name_t *name, const seconds_t *now)
{
    apr_uint32_t id[WORDS];
    apr_uint32_t index = 0;

    read_id(id, name);
    while ((index = find(memory, &memory->entries, id, index)) != 0)
        if (!has_ended(entry_at(memory, index), now))
            return 1;
    return 0;
}

/* Whether each of `count` entries, one after another, finds fewer held than are free. */
static int has_room(whk_replay_table_t *memory, const apr_uint32_t *owner_id, int count)
{
    apr_uint32_t owner = find(memory, &memory->owners, owner_id, 0);
    apr_uint32_t held = owner ? owner_at(memory, owner)->held : 0;

    return held + 2 * ((apr_uint32_t)count - 1) < memory->size - memory->live;
}

static apr_uint32_t owner_of(whk_replay_table_t *memory, const apr_uint32_t *id)
{
    apr_uint32_t index = find(memory, &memory->owners, id, 0);

    if (index)
        return index;
    index = take(memory, &memory->owners);
    memcpy(owner_at(memory, index)->node.id, id, sizeof(owner_at(memory, index)->node.id));
    owner_at(memory, index)->held = 0;
    chain(memory, &memory->owners, index);
    return index;
}

static void add(whk_replay_table_t *memory, const apr_uint32_t *owner_id,
                const whk_replay_name_t *name, const seconds_t *end)
{
    apr_uint32_t owner = owner_of(memory, owner_id);
    apr_uint32_t index = take(memory, &memory->entries);
    entry_t *entry = entry_at(memory, index);

    read_id(entry->node.id, name);
    entry->steady_end = end->steady;
    entry->owner = owner;
    in_this_order();
    entry->end = end->wall;
    in_this_order();
    chain(memory, &memory->entries, index);
    memory->live++;
    owner_at(memory, owner)->held++;
}

static apr_uint32_t seconds_of(apr_time_t time)
{
    apr_time_t seconds = time / APR_USEC_PER_SEC;

    return seconds < 1 ? 1 : seconds > APR_UINT32_MAX ? APR_UINT32_MAX : (apr_uint32_t)seconds;
}

static whk_replay_result_t decide(whk_replay_table_t *memory, const whk_replay_name_t *owner,
                                  const whk_replay_name_t *names, int count, const seconds_t *end,
                                  const seconds_t *now)
{
    apr_uint32_t owner_id[WORDS];
    int i;

    for (i = 0; i < count; i++)
        if (is_known(memory, &names[i], now))
            return WHK_REPLAY_KNOWN;
    read_id(owner_id, owner);
    if (!has_room(memory, owner_id, count)) {
        sweep(memory, now, SWEEP_FULL);
        if (!has_room(memory, owner_id, count))
            return WHK_REPLAY_SHARE_FULL;
    }
    for (i = 0; i < count; i++)
        if (!is_known(memory, &names[i], now))
            add(memory, owner_id, &names[i], end);
    return WHK_REPLAY_RESERVED;
}

whk_replay_result_t whk_replay_table_reserve(whk_replay_table_t *memory,
                                             const whk_replay_name_t *owner,
                                             const whk_replay_name_t *names, int count,
                                             apr_time_t until, const whk_replay_clock_t *clock)
{
    const seconds_t now = {seconds_of(clock->wall), seconds_of(clock->steady)};
    apr_time_t left = until > clock->wall ? until - clock->wall : 0;
    const seconds_t end = {seconds_of(until), seconds_of(clock->steady + left)};
    whk_replay_result_t result;

    enter(memory);
    sweep(memory, &now, SWEEP_EACH * (apr_uint32_t)count);
    result = decide(memory, owner, names, count, &end, &now);
    leave(memory);
    return result;
}

void whk_replay_table_give_back(whk_replay_table_t *memory, const whk_replay_name_t *names,
                                int count, apr_time_t until)
{
    apr_uint32_t end = seconds_of(until);
    int i;

    enter(memory);
    for (i = 0; i < count; i++) {
        apr_uint32_t id[WORDS];
        apr_uint32_t index = 0;

        read_id(id, &names[i]);
        while ((index = find(memory, &memory->entries, id, index)) != 0)
            if (entry_at(memory, index)->end == end) {
                drop(memory, index);
                break;
            }
    }
    leave(memory);
}
