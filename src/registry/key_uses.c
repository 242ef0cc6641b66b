/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_uses.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "store/keys.h"
#include "store/transaction.h"

/* Beyond, dates stay behind. */
#define USES_MOST 100000

typedef struct use_t {
    struct use_t *next;
    const char *enterprise_id;
    const char *key_id;
    apr_time_t when;
} use_t;

struct whk_key_uses_t {
    apr_thread_mutex_t *mutex; /* around what follows */
    apr_pool_t *pool;          /* of the uses */
    use_t *first;
    int count;
};

static apr_status_t destroy(void *uses)
{
    apr_pool_destroy(((whk_key_uses_t *)uses)->pool);
    return APR_SUCCESS;
}

whk_key_uses_t *whk_key_uses_create(apr_pool_t *pool)
{
    whk_key_uses_t *uses = apr_pcalloc(pool, sizeof(*uses));

    if (apr_thread_mutex_create(&uses->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_pool_create_unmanaged_ex(&uses->pool, NULL, NULL) != APR_SUCCESS)
        return NULL;
    apr_pool_cleanup_register(pool, uses, destroy, apr_pool_cleanup_null);
    return uses;
}

void whk_key_uses_add(whk_key_uses_t *uses, const char *enterprise_id, const char *key_id,
                      apr_time_t when)
{
    use_t *use;

    apr_thread_mutex_lock(uses->mutex);
    if (uses->count < USES_MOST) {
        use = apr_palloc(uses->pool, sizeof(*use));
        use->enterprise_id = apr_pstrdup(uses->pool, enterprise_id);
        use->key_id = apr_pstrdup(uses->pool, key_id);
        use->when = when;
        use->next = uses->first;
        uses->first = use;
        uses->count++;
    }
    apr_thread_mutex_unlock(uses->mutex);
}

static const whk_outcome_t *write_all(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const use_t *use;

    for (use = baton; use; use = use->next)
        WHK_TRY(whk_store_key_set_last_used(store, pool, use->enterprise_id, use->key_id, use->when,
                                            WHK_KEY_USE_STEP));
    return NULL;
}

/* All that was noted, and the pool that it is in; NULL: nothing, or no memory for what comes. */
static apr_pool_t *take_all(whk_key_uses_t *uses, use_t **first)
{
    apr_pool_t *empty;
    apr_pool_t *taken = NULL;

    apr_thread_mutex_lock(uses->mutex);
    if (uses->first && apr_pool_create_unmanaged_ex(&empty, NULL, NULL) == APR_SUCCESS) {
        taken = uses->pool;
        *first = uses->first;
        uses->pool = empty;
        uses->first = NULL;
        uses->count = 0;
    }
    apr_thread_mutex_unlock(uses->mutex);
    return taken;
}

const whk_outcome_t *whk_key_uses_write(whk_key_uses_t *uses, whk_store_t *store, apr_pool_t *pool)
{
    use_t *first = NULL;
    apr_pool_t *taken = take_all(uses, &first);
    const whk_outcome_t *outcome;
    const use_t *use;

    if (!taken)
        return NULL;
    outcome = whk_store_transaction(store, pool, write_all, first);
    for (use = outcome ? first : NULL; use; use = use->next)
        whk_key_uses_add(uses, use->enterprise_id, use->key_id, use->when);
    apr_pool_destroy(taken);
    return outcome;
}
