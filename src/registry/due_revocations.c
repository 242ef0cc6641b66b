/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/due_revocations.h"

#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/followed_set.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/transaction.h"

/* Keys of a page, and pages of one call: then others get their turn at the connection. */
#define PAGE 100
#define PAGES_MOST 16

typedef struct {
    const whk_secret_key_t *secret;
    const char *enterprise_id;
    int revoked; /* how many */
} work_t;

static const whk_outcome_t *revoke_row(whk_store_t *store, apr_pool_t *pool, work_t *work,
                                       whk_enterprise_t *enterprise, whk_key_t *key, apr_time_t now)
{
    const whk_caller_t *schedule = whk_caller_schedule(pool, enterprise->id);
    int revoked;

    /* It verifies nothing anyway, and must not keep the others waiting. */
    if (whk_key_flaw(pool, work->secret, key))
        return NULL;
    whk_key_settle(key, now);
    WHK_TRY(whk_key_set_seal(pool, work->secret, key));
    WHK_TRY(whk_store_key_revoke(store, pool, key, &revoked));
    if (!revoked)
        return NULL;
    work->revoked++;
    if (enterprise->active_keys > 0)
        enterprise->active_keys--;
    WHK_TRY(whk_audit_append(store, pool, work->secret, enterprise, WHK_EVENT_KEY_REVOKED,
                             key->key_id, schedule, NULL, key->revoked));
    return whk_key_is_set(key)
               ? whk_followed_set_revoke(
                     store, pool, &(whk_insertion_t){work->secret, 0, enterprise}, schedule, key)
               : NULL;
}

static int by_time(const void *left, const void *right)
{
    const whk_key_t *a = *(whk_key_t *const *)left;
    const whk_key_t *b = *(whk_key_t *const *)right;

    return (a->revokes > b->revokes) - (a->revokes < b->revokes);
}

static const whk_outcome_t *record_due(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    work_t *work = baton;
    whk_enterprise_t *enterprise;
    apr_array_header_t *keys;
    apr_time_t now;
    int i;

    work->revoked = 0;
    WHK_TRY(whk_store_enterprise_lock(store, pool, work->enterprise_id, &enterprise));
    if (!enterprise)
        return NULL;
    now = whk_time_now();
    WHK_TRY(whk_store_key_list_due_of(store, pool, enterprise->id, now, PAGE, &keys));
    qsort(keys->elts, (size_t)keys->nelts, sizeof(whk_key_t *), by_time);
    for (i = 0; i < keys->nelts; i++)
        WHK_TRY(
            revoke_row(store, pool, work, enterprise, APR_ARRAY_IDX(keys, i, whk_key_t *), now));
    if (!work->revoked)
        return NULL;
    enterprise->revision++;
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* Whether a key of a page asks for a transaction: not where its row is bad, nor behind another key
 * of its enterprise that did. */
static int is_to_be_done(const whk_registry_t *registry, const apr_array_header_t *keys, int index)
{
    whk_key_t *key = APR_ARRAY_IDX(keys, index, whk_key_t *);
    int i;

    key->corrupt = whk_key_flaw(registry->pool, registry->secret, key) != NULL;
    if (key->corrupt)
        return 0;
    for (i = 0; i < index; i++) {
        const whk_key_t *other = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        if (!other->corrupt && !strcmp(other->enterprise_id, key->enterprise_id))
            return 0;
    }
    return 1;
}

static const whk_outcome_t *revoke_of(whk_registry_t *registry, const char *enterprise_id,
                                      int *revoked)
{
    work_t work = {registry->secret, enterprise_id, 0};
    const whk_outcome_t *outcome =
        whk_store_transaction(registry->store, registry->pool, record_due, &work);

    whk_count_change(registry->counters, enterprise_id);
    *revoked += work.revoked;
    for (; !outcome && work.revoked; work.revoked--)
        whk_metrics_count(WHK_REVOCATIONS, WHK_BY_SCHEDULE, 0);
    return outcome;
}

const whk_outcome_t *whk_revoke_due_keys(whk_registry_t *registry, int (*is_stopping)(void *baton),
                                         void *baton)
{
    const whk_outcome_t *failure = NULL;
    apr_time_t now = whk_time_now();
    apr_time_t after = 0;
    apr_array_header_t *keys;
    int revoked;
    int page;
    int i;

    for (page = 0; page < PAGES_MOST && !is_stopping(baton); page++) {
        WHK_TRY(whk_store_key_list_due(registry->store, registry->pool, after, now, PAGE, &keys));
        revoked = 0;
        for (i = 0; i < keys->nelts && !is_stopping(baton); i++) {
            const whk_outcome_t *outcome = NULL;

            if (is_to_be_done(registry, keys, i))
                outcome = revoke_of(
                    registry, APR_ARRAY_IDX(keys, i, const whk_key_t *)->enterprise_id, &revoked);
            failure = failure ? failure : outcome;
        }
        if (keys->nelts < PAGE || failure)
            return failure;
        /* What was revoked is no longer in a page that begins where this one did. */
        if (!revoked)
            after = APR_ARRAY_IDX(keys, keys->nelts - 1, const whk_key_t *)->revokes;
    }
    return failure;
}
