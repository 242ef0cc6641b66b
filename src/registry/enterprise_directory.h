/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_ENTERPRISE_DIRECTORY_H
#define WHK_REGISTRY_ENTERPRISE_DIRECTORY_H

/**
 * @file registry/enterprise_directory.h
 * Which enterprises there are, at which revision of their keys, and how fresh it is to know that.
 * registry/change_poll.h keeps it up to date; a lookup asks no store. Any thread may call; all
 * times are whk_clock_now()'s.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "registry/shared_counters.h"

typedef struct whk_enterprise_directory_t whk_enterprise_directory_t;

/** A request when it came: what changed until then is what it must know. */
typedef struct whk_arrival_t {
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
                                             const char *enterprise_id,
                                             const whk_arrival_t *arrival);

/** The number after which changes are to be listed: the last one that was seen is listed again. */
apr_int64_t whk_directory_list_after(const whk_enterprise_directory_t *directory);

/** When a reading of the changes began, and what had been counted then. */
typedef struct whk_directory_reading_t {
    apr_time_t began;
    apr_uint32_t counted[WHK_COUNTER_SLOTS];
} whk_directory_reading_t;

/** Before the store is read, so that what changes in between shows again rather than never. */
void whk_directory_begin(const whk_enterprise_directory_t *directory,
                         whk_directory_reading_t *reading);

/**
 * Take over what changed (`whk_change_t *`, store/change_feed.h). One thread at a time.
 * @return 0 where these do not follow what was seen before: another registry is there, such as an
 *         older one. Then all is forgotten, and the changes are to be listed again.
 */
int whk_directory_update(whk_enterprise_directory_t *directory, const apr_array_header_t *changes,
                         const whk_directory_reading_t *reading);

#endif
