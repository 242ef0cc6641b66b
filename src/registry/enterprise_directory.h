/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which enterprises there are, at which revision of their keys, and how fresh it is to know that:
 * what a node knows, it knows once, in a block of memory that its processes share. A lookup takes
 * no lock and asks no store. registry/change_poll.h keeps it up to date: whoever does holds a lock
 * of all processes, in which he may be killed at any moment. All times are whk_clock_now()'s.
 *
 * Only enterprises whose keys ever changed are in it: the others have no key that could verify. */

#include <apr_pools.h>
#include <apr_time.h>

#include "model/name.h"
#include "registry/shared_counters.h"
#include "store/change_feed.h"

/** The block, as it lies in memory. */
typedef struct whk_directory_block_t whk_directory_block_t;

/** A process's look at it. */
typedef struct whk_enterprise_directory_t {
    whk_directory_block_t *block;
    const whk_shared_counters_t *counters;
    apr_interval_time_t lag;
    apr_interval_time_t max_stale;
} whk_enterprise_directory_t;

/** Blocks of another layout are of no use: grows with each change of it. */
#define WHK_DIRECTORY_LAYOUT 2

/** How many bytes a block for so many enterprises has. Only what is needed is touched. */
apr_size_t whk_directory_size(apr_uint32_t most);

/** Make an empty directory, in which nothing is fresh, of memory that is zero.
 * @return NULL where the system gives no random bytes */
whk_directory_block_t *whk_directory_init(void *memory, apr_uint32_t most);

/** How many enterprises the block was made for. */
apr_uint32_t whk_directory_most(const whk_directory_block_t *block);

/** A request for an enterprise when it came: what changed until then is what it must know. */
typedef struct whk_arrival_t {
    const char *enterprise_id;
    unsigned int slot;
    apr_uint32_t change;
    apr_time_t at;
} whk_arrival_t;

typedef enum {
    WHK_FRESH,    /**< read within the lag, or since the request came */
    WHK_STALE,    /**< no poll succeeded for longer, but for less than max_stale */
    WHK_OUTDATED, /**< something of this slot changed on this node since */
    WHK_TOO_STALE /**< no poll succeeded within max_stale */
} whk_freshness_t;

typedef struct whk_directory_lookup_t {
    whk_freshness_t freshness;
    int exists;              /**< there is such an enterprise */
    int ask_store;           /**< polls can't make it fresh soon, or can't tell that there is none:
                                  the store is to be asked for this enterprise */
    apr_int64_t revision;    /**< of its keys */
    apr_uint32_t generation; /**< grows where the registry was restored: all is read anew then */
} whk_directory_lookup_t;

whk_arrival_t whk_directory_arrival(const whk_enterprise_directory_t *directory,
                                    const char *enterprise_id);

/** How fresh it is to know since `at` what an enterprise of this slot has, where `change` had been
 * counted then. */
whk_freshness_t whk_directory_freshness(const whk_enterprise_directory_t *directory, apr_time_t at,
                                        apr_uint32_t change, const whk_arrival_t *arrival);

whk_directory_lookup_t whk_directory_look_up(const whk_enterprise_directory_t *directory,
                                             const whk_arrival_t *arrival);

/* ---- polls: under the lock, one page of changes at a time ---- */

/** Before the store is asked, so that what changes in between shows again rather than never.
 * @param query set to what is to be listed; it lies in the directory until the next call */
void whk_directory_begin(const whk_enterprise_directory_t *directory, whk_change_query_t *query);

/** Take over a page of changes. What was polled is fresh with the last of them.
 * @return 0 where these do not follow what was seen before: another registry is there, such as an
 *         older one. Then all is forgotten; begin again. */
int whk_directory_update(const whk_enterprise_directory_t *directory,
                         const whk_change_page_t *page);

/** True from when all was forgotten until that was reported. */
int whk_directory_was_restored(const whk_enterprise_directory_t *directory);
void whk_directory_note_reported(const whk_enterprise_directory_t *directory);

/** The poll that was begun failed: another process is to take the next. */
void whk_directory_note_failure(const whk_enterprise_directory_t *directory);

/* ---- polls: by anybody ---- */

/** True while there are more pages to read. */
int whk_directory_is_behind(const whk_enterprise_directory_t *directory);

/** How long ago a poll was begun. */
apr_interval_time_t whk_directory_since_poll(const whk_enterprise_directory_t *directory);

/** Whether this process is to poll, where somebody is to every `interval`: whoever did last goes
 * on, whose connection is good for it, and another one takes over when that is half an interval
 * late. */
int whk_directory_is_due(const whk_enterprise_directory_t *directory, apr_interval_time_t interval);

/** True where a background poll failed, and the last one of the node did not, or the other way. */
int whk_directory_is_news(const whk_enterprise_directory_t *directory, int failed);

/** True, once a node, where there was no room for an enterprise. */
int whk_directory_became_full(const whk_enterprise_directory_t *directory);

/** What one process of a node does for all, now and then. */
typedef enum {
    WHK_TURN_REFRESH,
    WHK_TURN_REVOKE_DUE,
    WHK_TURN_NOTIFY,
    WHK_TURNS
} whk_turn_t;

/** True where it is this process's turn: it had the last one, and that was `interval` ago, or
 * nobody had one for half as long again. */
int whk_directory_take_turn(const whk_enterprise_directory_t *directory, whk_turn_t turn,
                            apr_interval_time_t interval);

/** How a directory is, for people and their monitoring. */
typedef struct whk_directory_state_t {
    apr_uint32_t enterprises;
    int is_full;
    apr_time_t known_at; /**< all changes until then are known, by whk_clock_now(); 0: never were */
} whk_directory_state_t;

whk_directory_state_t whk_directory_state(const whk_directory_block_t *block);
