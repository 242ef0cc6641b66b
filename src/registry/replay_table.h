/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which uses were made of signatures that are still good: an exact table in one flat block, which
 * processes share. Nothing is forgotten before its end, and each enterprise has a share.
 *
 * **Share.** An enterprise may hold as many entries as are free while it asks: one alone holds at
 * most half of them, two that fill up side by side a third each. So room is left for one who comes
 * later, until there are about as many enterprises as entries.
 *
 * **Lock.** The caller holds one lock of all processes around each call, save where another word is
 * said. A process that is killed inside a call leaves the block to be put in order by the next one:
 * no use that was reserved is forgotten; one that was about to be may be kept until its end.
 *
 * **Cost.** A call looks at the chains of its names (which the senders can't make long: where a
 * name belongs is secret) and at 16 entries for each name, to take back what has ended; where it
 * finds a share full, at 4,096 more. After a process was killed inside one, the next goes through
 * all that were ever used once: about 0.1 s for a million.
 *
 * **Time.** An entry ends when both clocks say so: its end by the wall clock is reached, and as
 * much time has passed as there was until then when it was made. So neither a step back of the wall
 * clock nor one forward and back again forgets a use. What remains: entries that have ended when
 * the wall clock is set back are gone, while their signatures are good once more. */

#include <apr_pools.h>
#include <apr_time.h>

/** Bytes of a name. */
#define WHK_REPLAY_NAME_SIZE 32

/** The least and the most entries that a block may have. */
#define WHK_REPLAY_ENTRIES_LEAST 1024
#define WHK_REPLAY_ENTRIES_MOST 16777216

/** The block, as it lies in memory. */
typedef struct whk_replay_table_t whk_replay_table_t;

/** SHA-256 of an enterprise, or of a use and whose it is: the same in every process and node. */
typedef struct whk_replay_name_t {
    unsigned char bytes[WHK_REPLAY_NAME_SIZE];
} whk_replay_name_t;

/** The present, in microseconds. */
typedef struct whk_replay_clock_t {
    apr_time_t wall;   /**< since 1970 */
    apr_time_t steady; /**< since any moment, the same for all processes; never set */
} whk_replay_clock_t;

typedef enum {
    WHK_REPLAY_RESERVED,
    WHK_REPLAY_KNOWN,      /**< one of the names is there already; nothing was added */
    WHK_REPLAY_SHARE_FULL, /**< the enterprise holds its share; nothing was added */
} whk_replay_result_t;

/** Make a name. Needs no lock.
 * @param id NULL: the name of the enterprise itself
 * @return 0 where OpenSSL can't compute SHA-256 */
int whk_replay_name(whk_replay_name_t *name, const char *enterprise_id, const char *id,
                    apr_pool_t *pool);

/** How many bytes a block of so many entries has: 64 for each, or up to 72. */
apr_size_t whk_replay_table_size(apr_uint32_t entries);

/** Begin a block, before others see it.
 * @param block whk_replay_table_size() bytes, all zero; those of entries that are not used are
 *              never touched
 * @return the block, or NULL where OpenSSL has no random bytes */
whk_replay_table_t *whk_replay_table_init(void *block, apr_uint32_t entries);

/** How many entries it was made for. Needs no lock. */
apr_uint32_t whk_replay_table_entries(const whk_replay_table_t *memory);

/** How many of them are in use. Needs no lock. */
apr_uint32_t whk_replay_table_live(const whk_replay_table_t *memory);

/** Note uses: all of them, or none.
 * @param owner whose share they count for
 * @param names what is used, `count` of them
 * @param until when the signature ends to be good; an entry ends in the second after */
whk_replay_result_t whk_replay_table_reserve(whk_replay_table_t *memory,
                                             const whk_replay_name_t *owner,
                                             const whk_replay_name_t *names, int count,
                                             apr_time_t until, const whk_replay_clock_t *clock);

/** Take back what was reserved by these names with this end; what is not there is passed over. */
void whk_replay_table_give_back(whk_replay_table_t *memory, const whk_replay_name_t *names,
                                int count, apr_time_t until);
