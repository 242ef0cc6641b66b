/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/enterprise_directory.h"

#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <string.h>

#include "model/clock.h"

typedef struct {
    const char *id;
    apr_int64_t revision;
    apr_int64_t number; /* of the change that made it */
} enterprise_t;

/* When a reading of the changes began, 0: never, and what had been counted then. */
typedef struct {
    apr_time_t began;
    apr_uint32_t counted[WHK_COUNTER_SLOTS];
} reading_t;

struct whk_enterprise_directory_t {
    const whk_shared_counters_t *counters;
    apr_interval_time_t lag;
    apr_interval_time_t max_stale;
    apr_thread_mutex_t *mutex; /* around what follows */
    apr_pool_t *pool;          /* of `enterprises` */
    apr_hash_t *enterprises;   /* enterprise_t by id */
    apr_uint32_t generation;
    whk_change_mark_t mark; /* its enterprise: that of the newest change */
    apr_int64_t newest;     /* its number */
    reading_t last;         /* that succeeded */
    reading_t now;          /* its thread's alone */
};

whk_enterprise_directory_t *whk_directory_create(const whk_shared_counters_t *counters,
                                                 apr_interval_time_t lag,
                                                 apr_interval_time_t max_stale, apr_pool_t *pool)
{
    whk_enterprise_directory_t *directory = apr_pcalloc(pool, sizeof(*directory));

    directory->counters = counters;
    directory->lag = lag;
    directory->max_stale = max_stale;
    directory->mark.number = -1;
    directory->newest = -1;
    if (apr_pool_create(&directory->pool, pool) != APR_SUCCESS ||
        apr_thread_mutex_create(&directory->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return NULL;
    directory->enterprises = apr_hash_make(directory->pool);
    return directory;
}

static enterprise_t *find(const whk_enterprise_directory_t *directory, const char *enterprise_id)
{
    return apr_hash_get(directory->enterprises, enterprise_id, APR_HASH_KEY_STRING);
}

static enterprise_t *find_or_add(whk_enterprise_directory_t *directory, const char *enterprise_id)
{
    enterprise_t *enterprise = find(directory, enterprise_id);

    if (!enterprise) {
        enterprise = apr_pcalloc(directory->pool, sizeof(*enterprise));
        enterprise->id = apr_pstrdup(directory->pool, enterprise_id);
        apr_hash_set(directory->enterprises, enterprise->id, APR_HASH_KEY_STRING, enterprise);
    }
    return enterprise;
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

static whk_freshness_t freshness(const whk_enterprise_directory_t *directory,
                                 const whk_arrival_t *arrival)
{
    apr_interval_time_t age = arrival->at - directory->last.began;

    if (!directory->last.began)
        return WHK_TOO_STALE;
    /* Counters wrap around. */
    if ((apr_int32_t)(directory->last.counted[arrival->slot] - arrival->change) < 0)
        return WHK_OUTDATED;
    if (age <= directory->lag)
        return WHK_FRESH;
    return age <= directory->max_stale ? WHK_STALE : WHK_TOO_STALE;
}

whk_directory_lookup_t whk_directory_look_up(whk_enterprise_directory_t *directory,
                                             const whk_arrival_t *arrival)
{
    whk_directory_lookup_t found;
    const enterprise_t *enterprise;

    apr_thread_mutex_lock(directory->mutex);
    enterprise = find(directory, arrival->enterprise_id);
    found.freshness = freshness(directory, arrival);
    found.exists = enterprise != NULL;
    found.revision = enterprise ? enterprise->revision : 0;
    found.generation = directory->generation;
    apr_thread_mutex_unlock(directory->mutex);
    return found;
}

/* ---- updates ---- */

whk_change_mark_t whk_directory_begin(whk_enterprise_directory_t *directory)
{
    int i;

    directory->now.began = whk_clock_now();
    for (i = 0; i < WHK_COUNTER_SLOTS; i++)
        directory->now.counted[i] =
            apr_atomic_read32((apr_uint32_t *)&directory->counters->changes[i]);
    return directory->mark;
}

/* Revisions grow, each is the work of one change, and the enterprise that changed last is there for
 * ever: whatever else is found is another registry. */
static int follow(const whk_enterprise_directory_t *directory, const apr_array_header_t *changes)
{
    const char *last = directory->mark.enterprise_id;
    int found = !last;
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const whk_change_t *change = APR_ARRAY_IDX(changes, i, const whk_change_t *);
        const enterprise_t *enterprise = find(directory, change->enterprise_id);

        int is_same = enterprise && change->revision == enterprise->revision;

        if (enterprise && (change->revision < enterprise->revision ||
                           is_same != (change->number == enterprise->number)))
            return 0;
        found |= last && !strcmp(change->enterprise_id, last);
    }
    return found;
}

static void forget_all(whk_enterprise_directory_t *directory)
{
    apr_pool_clear(directory->pool);
    directory->enterprises = apr_hash_make(directory->pool);
    directory->mark = (whk_change_mark_t){-1, NULL};
    directory->newest = -1;
    directory->last.began = 0;
    directory->generation++;
}

static void take_over(whk_enterprise_directory_t *directory, const apr_array_header_t *changes)
{
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const whk_change_t *change = APR_ARRAY_IDX(changes, i, const whk_change_t *);
        enterprise_t *enterprise = find_or_add(directory, change->enterprise_id);

        enterprise->revision = change->revision;
        enterprise->number = change->number;
        if (change->number > directory->newest && change->number > 0) {
            directory->newest = change->number;
            directory->mark.enterprise_id = enterprise->id;
        }
    }
}

int whk_directory_update(whk_enterprise_directory_t *directory, const apr_array_header_t *changes,
                         apr_int64_t next)
{
    int follows;

    apr_thread_mutex_lock(directory->mutex);
    follows = next >= directory->mark.number && follow(directory, changes);
    if (follows) {
        take_over(directory, changes);
        directory->mark.number = next;
        directory->last = directory->now;
    } else {
        forget_all(directory);
    }
    apr_thread_mutex_unlock(directory->mutex);
    return follows;
}
