/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** At which revision the keys of each enterprise are: a table in one flat block of memory that
 * processes share. One process at a time writes, which is for the caller to see to; any thread of
 * any process reads, without a lock, also while another writes or was killed in the middle of it.
 *
 * **Memory.** An entry takes 32 bytes, whatever the length of the id, and its places in the index
 * 12 to 24. Only what is needed is touched, so a block may be made for many more than there are.
 *
 * **Names.** An id is known by 128 bits of SipHash under a key that is made with the table: senders
 * can't make two that meet, nor a chain that is long. */

#include <apr.h>

/** The most entries that a table may be made for. */
#define WHK_REVISIONS_MOST 100000000

/** The block, as it lies in memory. */
typedef struct whk_revision_table_t whk_revision_table_t;

typedef struct whk_known_revision_t {
    apr_int64_t revision;
    apr_int64_t number; /**< of the change that made it (store/change_feed.h) */
} whk_known_revision_t;

/** How many bytes a block for `most` entries has. */
apr_size_t whk_revision_table_size(apr_uint32_t most);

/** Make an empty table of memory that is zero and aligned to 8 bytes, as new shared memory is.
 * @return NULL where the system gives no random bytes */
whk_revision_table_t *whk_revision_table_init(void *memory, apr_uint32_t most);

/** How many entries the block was made for. */
apr_uint32_t whk_revision_table_most(const whk_revision_table_t *table);

/** How many entries it has. By any reader, for a figure of about now. */
apr_uint32_t whk_revision_table_count(const whk_revision_table_t *table);

/** Look an enterprise up.
 * @param known set where it is there; `number` is the writer's alone to rely on
 * @return 0 where it is not there */
int whk_revision_table_get(const whk_revision_table_t *table, const char *enterprise_id,
                           whk_known_revision_t *known);

/** By the writer: add an enterprise, or set what is known of it.
 * @return 0 where the table is full: then nothing changed */
int whk_revision_table_put(whk_revision_table_t *table, const char *enterprise_id,
                           const whk_known_revision_t *known);

/** By the writer: forget all. Readers may find some of it until it is done; one that was begun and
 * not ended is done by doing it again. */
void whk_revision_table_clear(whk_revision_table_t *table);
