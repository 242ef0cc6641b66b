/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/wanted_sets.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <string.h>

#include "model/clock.h"
#include "model/name.h"
#include "registry/followed_set.h"
#include "store/keys.h"
#include "store/remote_sets.h"

/* At a time; a name of ours is no longer than this. */
#define WANTED_MOST 64
#define NAME_SIZE (4 * WHK_NAME_MAX + 1)

struct whk_wanted_sets_t {
    apr_thread_mutex_t *mutex; /* around what follows */
    int count;
    char enterprise_ids[WANTED_MOST][NAME_SIZE];
};

whk_wanted_sets_t *whk_wanted_sets_create(apr_pool_t *pool)
{
    whk_wanted_sets_t *wanted = apr_pcalloc(pool, sizeof(*wanted));

    return apr_thread_mutex_create(&wanted->mutex, APR_THREAD_MUTEX_DEFAULT, pool) == APR_SUCCESS
               ? wanted
               : NULL;
}

static int has(const whk_wanted_sets_t *wanted, const char *enterprise_id)
{
    int i;

    for (i = 0; i < wanted->count; i++)
        if (!strcmp(wanted->enterprise_ids[i], enterprise_id))
            return 1;
    return 0;
}

void whk_wanted_sets_add(whk_wanted_sets_t *wanted, const char *enterprise_id)
{
    if (strlen(enterprise_id) >= NAME_SIZE)
        return;
    apr_thread_mutex_lock(wanted->mutex);
    if (wanted->count < WANTED_MOST && !has(wanted, enterprise_id))
        apr_cpystrn(wanted->enterprise_ids[wanted->count++], enterprise_id, NAME_SIZE);
    apr_thread_mutex_unlock(wanted->mutex);
}

/* All that was noted: copies in `pool`. */
static apr_array_header_t *take_all(whk_wanted_sets_t *wanted, apr_pool_t *pool)
{
    apr_array_header_t *taken = apr_array_make(pool, 4, sizeof(const char *));
    int i;

    apr_thread_mutex_lock(wanted->mutex);
    for (i = 0; i < wanted->count; i++)
        APR_ARRAY_PUSH(taken, const char *) = apr_pstrdup(pool, wanted->enterprise_ids[i]);
    wanted->count = 0;
    apr_thread_mutex_unlock(wanted->mutex);
    return taken;
}

static const whk_outcome_t *ask(whk_store_t *store, const char *enterprise_id, apr_pool_t *pool)
{
    const whk_asking_t asking = {apr_time_now(), WHK_WANTED_EVERY, WHK_CLOCKS_APART};
    apr_array_header_t *keys;
    int i;

    WHK_TRY(whk_store_key_list_active(store, pool, enterprise_id, &keys));
    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        if (whk_key_is_set(key) && key->jwks_uri)
            WHK_TRY(whk_store_remote_set_ask(store, pool, key->jwks_uri, &asking));
    }
    return NULL;
}

const whk_outcome_t *whk_wanted_sets_ask(whk_wanted_sets_t *wanted, whk_store_t *store,
                                         apr_pool_t *pool)
{
    const apr_array_header_t *taken = take_all(wanted, pool);
    int i;

    for (i = 0; i < taken->nelts; i++)
        WHK_TRY(ask(store, APR_ARRAY_IDX(taken, i, const char *), pool));
    return NULL;
}
