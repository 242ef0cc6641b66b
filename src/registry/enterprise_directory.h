/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which enterprises there are, at which revision of their keys, and how fresh it is to know that.
 * registry/change_poll.h keeps it up to date; a lookup asks no store. Any thread may call; all
 * times are whk_clock_now()'s. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "registry/shared_counters.h"
#include "store/change_feed.h"

typedef struct whk_enterprise_directory_t whk_enterprise_directory_t;

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
    apr_int64_t revision;    /**< of its keys */
    apr_uint32_t generation; /**< grows where the registry was restored: all is read anew then */
} whk_directory_lookup_t;

/** Empty; nothing in it is fresh. `counters` is borrowed. NULL: out of memory. */
whk_enterprise_directory_t *whk_directory_create(const whk_shared_counters_t *counters,
                                                 apr_interval_time_t lag,
                                                 apr_interval_time_t max_stale, apr_pool_t *pool);

whk_arrival_t whk_directory_arrival(const whk_enterprise_directory_t *directory,
                                    const char *enterprise_id);

whk_directory_lookup_t whk_directory_look_up(whk_enterprise_directory_t *directory,
                                             const whk_arrival_t *arrival);

/* One thread at a time reads what changed, in these steps. */

/** Before the store is asked, so that what changes in between shows again rather than never.
 *  @return the mark from which changes are to be listed: the enterprise that changed last is listed
 *          again */
whk_change_mark_t whk_directory_begin(whk_enterprise_directory_t *directory);

/** Take over what changed (`whk_change_t *`, store/change_feed.h).
 * @param next of whk_store_change_list()
 * @return 0 where these do not follow what was seen before: another registry is there, such as an
 *         older one. Then all is forgotten; begin again. */
int whk_directory_update(whk_enterprise_directory_t *directory, const apr_array_header_t *changes,
                         apr_int64_t next);
