/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_notices.h"

#include <string.h>

#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/key_notices.h"
#include "store/keys.h"
#include "store/transaction.h"

/* Of one call: then others get their turn at the connection. */
#define KEYS_MOST 200

#define DAY apr_time_from_sec(86400)
#define UNUSED_AFTER (90 * DAY)

typedef struct {
    const whk_secret_key_t *secret;
    const whk_key_name_t *name;
    const char *code; /* of what is unreachable */
    const whk_outcome_t *(*write)(whk_store_t *store, apr_pool_t *pool, const void *work,
                                  whk_enterprise_t *enterprise, const whk_key_t *key);
} work_t;

static const whk_outcome_t *append(whk_store_t *store, apr_pool_t *pool, const work_t *work,
                                   whk_enterprise_t *enterprise, whk_event_type_t type,
                                   const char *detail)
{
    WHK_TRY(whk_audit_append(store, pool, work->secret, enterprise, type, work->name->key_id,
                             whk_caller_background(pool, enterprise->id), detail, whk_time_now()));
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* A key that was revoked is passed over; one whose row is not to be trusted is marked as if it had
 * been told of, so that it keeps no other waiting, and its enterprise is NULL. */
static const whk_outcome_t *record(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const work_t *work = baton;
    whk_enterprise_t *enterprise;
    whk_key_t *key;

    WHK_TRY(whk_store_enterprise_lock(store, pool, work->name->enterprise_id, &enterprise));
    WHK_TRY(whk_store_key_get(store, pool, work->name->enterprise_id, work->name->key_id, &key));
    if (!enterprise || !key || key->status != WHK_KEY_STATUS_ACTIVE ||
        whk_key_is_due(key, whk_time_now()))
        return NULL;
    if (whk_key_flaw(pool, work->secret, key))
        enterprise = NULL;
    return work->write(store, pool, work, enterprise, key);
}

/* Of a plan that is nearer than a day, that alone. */
static const whk_outcome_t *write_near(whk_store_t *store, apr_pool_t *pool, const void *work,
                                       whk_enterprise_t *enterprise, const whk_key_t *key)
{
    const work_t *of = work;
    apr_interval_time_t left = key->revokes - whk_time_now();
    int first;

    if (!key->revokes || left > 7 * DAY)
        return NULL;
    WHK_TRY(whk_store_key_set_warned(store, pool, of->name,
                                     key->revokes - (left <= DAY ? DAY : 7 * DAY), &first));
    return first && enterprise ? append(store, pool, of, enterprise, WHK_EVENT_REVOCATION_NEAR,
                                        whk_time_format(pool, key->revokes))
                               : NULL;
}

static const whk_outcome_t *write_unused(whk_store_t *store, apr_pool_t *pool, const void *work,
                                         whk_enterprise_t *enterprise, const whk_key_t *key)
{
    const work_t *of = work;
    apr_time_t now = whk_time_now();
    apr_time_t since = key->last_used > key->created ? key->last_used : key->created;
    int is_unused = since + UNUSED_AFTER <= now;
    int first;

    /* One that stands for a set verifies nothing by itself. */
    if (whk_key_is_set(key) || !enterprise)
        is_unused = 0;
    WHK_TRY(whk_store_key_set_unused(
        store, pool, of->name, now,
        (is_unused || whk_key_is_set(key) || !enterprise ? now : since) + UNUSED_AFTER, &first));
    return first && is_unused ? append(store, pool, of, enterprise, WHK_EVENT_KEY_UNUSED,
                                       whk_time_format(pool, since))
                              : NULL;
}

static const whk_outcome_t *write_unreachable(whk_store_t *store, apr_pool_t *pool,
                                              const void *work, whk_enterprise_t *enterprise,
                                              const whk_key_t *key)
{
    const work_t *of = work;

    (void)key;
    return enterprise
               ? append(store, pool, of, enterprise, WHK_EVENT_JWKS_URI_UNREACHABLE, of->code)
               : NULL;
}

static const whk_outcome_t *write_all(whk_registry_t *registry, const apr_array_header_t *names,
                                      work_t work, int (*is_stopping)(void *baton), void *baton)
{
    const whk_outcome_t *failure = NULL;
    int i;

    for (i = 0; i < names->nelts && !is_stopping(baton); i++) {
        const whk_outcome_t *outcome;

        work.name = APR_ARRAY_IDX(names, i, const whk_key_name_t *);
        outcome = whk_store_transaction(registry->store, registry->pool, record, &work);
        failure = failure ? failure : outcome;
    }
    return failure;
}

const whk_outcome_t *whk_write_key_notices(whk_registry_t *registry,
                                           int (*is_stopping)(void *baton), void *baton)
{
    work_t near = {.secret = registry->secret, .write = write_near};
    work_t unused = {.secret = registry->secret, .write = write_unused};
    apr_time_t now = whk_time_now();
    const whk_outcome_t *failure;
    const whk_outcome_t *outcome;
    apr_array_header_t *names;

    WHK_TRY(whk_store_key_list_near(registry->store, registry->pool, now, KEYS_MOST, &names));
    failure = write_all(registry, names, near, is_stopping, baton);
    WHK_TRY(whk_store_key_list_unused(registry->store, registry->pool, now, KEYS_MOST, &names));
    outcome = write_all(registry, names, unused, is_stopping, baton);
    return failure ? failure : outcome;
}

const whk_outcome_t *whk_write_unreachable(whk_registry_t *registry, const apr_array_header_t *keys,
                                           const char *code)
{
    work_t work = {.secret = registry->secret, .code = code, .write = write_unreachable};
    const whk_outcome_t *failure = NULL;
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        const whk_key_name_t name = {key->enterprise_id, key->key_id};
        const whk_outcome_t *outcome;

        work.name = &name;
        outcome = whk_store_transaction(registry->store, registry->pool, record, &work);
        failure = failure ? failure : outcome;
    }
    return failure;
}
