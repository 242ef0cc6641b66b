/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/enterprise_directory.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <string.h>
#include <unistd.h>

#include "model/clock.h"
#include "registry/revision_table.h"

#define READ(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define WRITE(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)

/* Bytes of the longest enterprise, and the zero behind it. */
#define ID_SIZE (4 * WHK_NAME_MAX + 1)

/* When a reading of the changes began, 0: never, and what had been counted then. */
typedef struct {
    apr_time_t began;
    apr_uint32_t counted[WHK_COUNTER_SLOTS];
} reading_t;

/* What a writer that is killed leaves undone. */
typedef enum {
    DONE,
    UPDATING,
    CLEARING
} writing_t;

typedef struct {
    apr_int64_t number; /* 0: none */
    char enterprise[ID_SIZE];
} newest_t;

struct whk_directory_block_t {
    /* Atomic. */
    apr_uint32_t generation;
    apr_uint32_t is_behind; /* a pass has more pages */
    apr_uint32_t is_full;
    apr_uint32_t told_full;
    apr_uint32_t poll_fails;
    apr_uint32_t was_restored; /* and that was not reported yet */
    apr_time_t polled_at;      /* when a poll was begun last, and by whom */
    apr_uint32_t polled_by;
    apr_time_t turns[WHK_TURNS]; /* when each was taken last, and by whom */
    apr_uint32_t turns_by[WHK_TURNS];
    apr_uint64_t published; /* readings[published % 2] is the last that succeeded: the other one is
                               written before the next is counted */
    reading_t readings[2];
    /* Under the lock. A pass is the pages of one reading. */
    writing_t writing;
    int repairs; /* until a pass ends: what a killed writer wrote down in part may look odd */
    reading_t pass;
    apr_int64_t mark;        /* all up to this number are known */
    apr_int64_t mark_behind; /* and with the pass up to this one */
    apr_int64_t at_number;   /* of the change that the pass listed last */
    char at_enterprise[ID_SIZE];
    apr_uint32_t newest_at; /* newest[newest_at] is the newest change that is known: the other one
                               is written before it is taken */
    newest_t newest[2];
};

static whk_revision_table_t *table_of(const whk_directory_block_t *block)
{
    return (whk_revision_table_t *)((char *)block + APR_ALIGN(sizeof(*block), 8));
}

apr_size_t whk_directory_size(apr_uint32_t most)
{
    return APR_ALIGN(sizeof(whk_directory_block_t), 8) + whk_revision_table_size(most);
}

whk_directory_block_t *whk_directory_init(void *memory, apr_uint32_t most)
{
    whk_directory_block_t *block = memory;

    return whk_revision_table_init(table_of(block), most) ? block : NULL;
}

apr_uint32_t whk_directory_most(const whk_directory_block_t *block)
{
    return whk_revision_table_most(table_of(block));
}

/* ---- lookups ---- */

whk_arrival_t whk_directory_arrival(const whk_enterprise_directory_t *directory,
                                    const char *enterprise_id)
{
    unsigned int slot = whk_counter_slot(enterprise_id);
    whk_arrival_t arrival = {enterprise_id, slot,
                             apr_atomic_read32((apr_uint32_t *)&directory->counters->changes[slot]),
                             whk_clock_now()};

    return arrival;
}

whk_freshness_t whk_directory_freshness(const whk_enterprise_directory_t *directory, apr_time_t at,
                                        apr_uint32_t change, const whk_arrival_t *arrival)
{
    apr_interval_time_t age = arrival->at - at;

    if (!at)
        return WHK_TOO_STALE;
    /* Counters wrap around. */
    if ((apr_int32_t)(change - arrival->change) < 0)
        return WHK_OUTDATED;
    if (age <= directory->lag)
        return WHK_FRESH;
    return age <= directory->max_stale ? WHK_STALE : WHK_TOO_STALE;
}

/* The reading before the entry: what is found is as new as the reading, or newer. */
static void look(const whk_enterprise_directory_t *directory, const whk_arrival_t *arrival,
                 const reading_t *reading, whk_directory_lookup_t *found)
{
    whk_known_revision_t known = {0, 0};
    apr_time_t began = READ(&reading->began);
    apr_uint32_t counted = READ(&reading->counted[arrival->slot]);

    found->freshness = whk_directory_freshness(directory, began, counted, arrival);
    found->generation = READ(&directory->block->generation);
    found->exists =
        whk_revision_table_get(table_of(directory->block), arrival->enterprise_id, &known);
    found->revision = known.revision;
    found->ask_store = (found->freshness != WHK_FRESH && READ(&directory->block->is_behind)) ||
                       (!found->exists && READ(&directory->block->is_full));
}

whk_directory_lookup_t whk_directory_look_up(const whk_enterprise_directory_t *directory,
                                             const whk_arrival_t *arrival)
{
    const whk_directory_block_t *block = directory->block;
    whk_directory_lookup_t found;
    apr_uint64_t published;

    do {
        published = READ(&block->published);
        look(directory, arrival, &block->readings[published % 2], &found);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&block->published, __ATOMIC_RELAXED) != published);
    return found;
}

/* ---- polls, under the lock ---- */

static void take_reading(const whk_enterprise_directory_t *directory, reading_t *reading)
{
    int i;

    reading->began = whk_clock_now();
    for (i = 0; i < WHK_COUNTER_SLOTS; i++)
        reading->counted[i] = apr_atomic_read32((apr_uint32_t *)&directory->counters->changes[i]);
}

static void publish(whk_directory_block_t *block, const reading_t *reading)
{
    apr_uint64_t next = block->published + 1;
    reading_t *place = &block->readings[next % 2];
    int i;

    WRITE(&place->began, reading->began);
    for (i = 0; i < WHK_COUNTER_SLOTS; i++)
        WRITE(&place->counted[i], reading->counted[i]);
    WRITE(&block->published, next);
}

static void forget_all(whk_directory_block_t *block)
{
    static const reading_t never;

    block->writing = CLEARING;
    WRITE(&block->was_restored, 1);
    publish(block, &never);
    /* Who finds the table empty finds that nothing is fresh, too. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    apr_atomic_inc32(&block->generation);
    whk_revision_table_clear(table_of(block));
    block->mark = 0;
    memset(&block->newest[block->newest_at], 0, sizeof(block->newest[0]));
    WRITE(&block->is_behind, 0);
    WRITE(&block->is_full, 0);
    block->repairs = 0;
    block->writing = DONE;
}

/* Of one that was killed while it wrote down a page: what it wrote down is listed again. */
static void put_in_order(whk_directory_block_t *block)
{
    if (block->writing == CLEARING)
        forget_all(block);
    if (block->writing != UPDATING)
        return;
    block->repairs = 1;
    WRITE(&block->is_behind, 0);
}

void whk_directory_begin(const whk_enterprise_directory_t *directory, whk_change_query_t *query)
{
    whk_directory_block_t *block = directory->block;

    put_in_order(block);
    WRITE(&block->polled_at, whk_clock_now());
    WRITE(&block->polled_by, (apr_uint32_t)getpid());
    if (block->is_behind) {
        *query = (whk_change_query_t){block->at_number, block->at_enterprise, ""};
        return;
    }
    take_reading(directory, &block->pass);
    *query = (whk_change_query_t){block->mark + 1, "", block->newest[block->newest_at].enterprise};
}

/* Whose keys changed last is there for ever, and its numbers grow. */
static int has_newest(const whk_directory_block_t *block, const whk_change_page_t *page)
{
    const newest_t *newest = &block->newest[block->newest_at];

    return block->is_behind || !newest->number ||
           (page->again && page->again->number >= newest->number);
}

static int contradicts(const whk_directory_block_t *block, const whk_change_t *change)
{
    whk_known_revision_t known;

    return whk_revision_table_get(table_of(block), change->enterprise_id, &known) &&
           (change->revision < known.revision ||
            (change->revision == known.revision) != (change->number == known.number));
}

/* Revisions grow, and each is the work of one change: whatever else is found is another registry.
 */
static int follows(const whk_directory_block_t *block, const whk_change_page_t *page)
{
    int i;

    if (!has_newest(block, page) ||
        (page->mark >= 0 && page->mark < (block->is_behind ? block->mark_behind : block->mark)))
        return 0;
    if (block->repairs)
        return 1;
    if (page->again && contradicts(block, page->again))
        return 0;
    for (i = 0; i < page->changes->nelts; i++)
        if (contradicts(block, APR_ARRAY_IDX(page->changes, i, const whk_change_t *)))
            return 0;
    return 1;
}

static void keep(char *place, const char *enterprise_id)
{
    apr_cpystrn(place, enterprise_id, ID_SIZE);
}

static void take_over(whk_directory_block_t *block, const whk_change_t *change)
{
    const whk_known_revision_t known = {change->revision, change->number};

    if (!whk_revision_table_put(table_of(block), change->enterprise_id, &known))
        WRITE(&block->is_full, 1);
}

static void take_newest(whk_directory_block_t *block, const whk_change_t *last)
{
    newest_t *next = &block->newest[!block->newest_at];

    if (!last || last->number <= block->newest[block->newest_at].number)
        return;
    next->number = last->number;
    keep(next->enterprise, last->enterprise_id);
    WRITE(&block->newest_at, !block->newest_at);
}

int whk_directory_update(const whk_enterprise_directory_t *directory, const whk_change_page_t *page)
{
    whk_directory_block_t *block = directory->block;
    const whk_change_t *last = NULL;
    int i;

    if (!follows(block, page)) {
        forget_all(block);
        return 0;
    }
    block->writing = UPDATING;
    if (!block->is_behind)
        block->mark_behind = page->mark < 0 ? block->mark : page->mark;
    for (i = 0; i < page->changes->nelts; i++) {
        last = APR_ARRAY_IDX(page->changes, i, const whk_change_t *);
        take_over(block, last);
    }
    take_newest(block, last);
    if (page->more && last) {
        block->at_number = last->number;
        keep(block->at_enterprise, last->enterprise_id);
        WRITE(&block->is_behind, 1);
    } else {
        block->mark = block->mark_behind;
        block->repairs = 0;
        publish(block, &block->pass);
        WRITE(&block->is_behind, 0);
    }
    block->writing = DONE;
    return 1;
}

int whk_directory_was_restored(const whk_enterprise_directory_t *directory)
{
    return READ(&directory->block->was_restored) != 0;
}

void whk_directory_note_reported(const whk_enterprise_directory_t *directory)
{
    WRITE(&directory->block->was_restored, 0);
}

void whk_directory_note_failure(const whk_enterprise_directory_t *directory)
{
    WRITE(&directory->block->polled_by, 0);
}

/* ---- polls, by anybody ---- */

int whk_directory_is_behind(const whk_enterprise_directory_t *directory)
{
    return READ(&directory->block->is_behind) != 0;
}

apr_interval_time_t whk_directory_since_poll(const whk_enterprise_directory_t *directory)
{
    return whk_clock_now() - READ(&directory->block->polled_at);
}

/* It is a matter of who comes first alone: a pid that is another process's by now does no harm. */
static int is_over(apr_interval_time_t since, apr_interval_time_t interval, apr_uint32_t by)
{
    return since >= (by == (apr_uint32_t)getpid() ? interval : interval + interval / 2);
}

int whk_directory_is_due(const whk_enterprise_directory_t *directory, apr_interval_time_t interval)
{
    return is_over(whk_directory_since_poll(directory), interval,
                   READ(&directory->block->polled_by));
}

int whk_directory_is_news(const whk_enterprise_directory_t *directory, int failed)
{
    apr_uint32_t fails = failed ? 1 : 0;

    return __atomic_exchange_n(&directory->block->poll_fails, fails, __ATOMIC_ACQ_REL) != fails;
}

int whk_directory_became_full(const whk_enterprise_directory_t *directory)
{
    whk_directory_block_t *block = directory->block;

    return READ(&block->is_full) && apr_atomic_cas32(&block->told_full, 1, 0) == 0;
}

int whk_directory_take_turn(const whk_enterprise_directory_t *directory, whk_turn_t turn,
                            apr_interval_time_t interval)
{
    apr_time_t *place = &directory->block->turns[turn];
    apr_uint32_t *by = &directory->block->turns_by[turn];
    apr_time_t last = READ(place);
    apr_time_t now = whk_clock_now();

    if (!is_over(now - last, interval, READ(by)) ||
        !__atomic_compare_exchange_n(place, &last, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return 0;
    WRITE(by, (apr_uint32_t)getpid());
    return 1;
}

whk_directory_state_t whk_directory_state(const whk_directory_block_t *block)
{
    const reading_t *reading = &block->readings[READ(&block->published) % 2];
    whk_directory_state_t state = {whk_revision_table_count(table_of(block)),
                                   READ(&block->is_full) != 0, READ(&reading->began)};

    return state;
}
