/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/notifications.h"

#include <jansson.h>

#include "jose/json.h"
#include "model/clock.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/api_json.h"
#include "registry/notification_name.h"
#include "registry/seal.h"
#include "store/events.h"
#include "store/notifications.h"

/* Enterprises of one call: then other tasks of the thread get their turn. */
#define ENTERPRISES_MOST 32

#define PAGE 50

/* How long to wait after a failure: twice as long each time. */
#define WAIT_FIRST apr_time_from_sec(1)
#define WAIT_MOST apr_time_from_sec(3600)
#define WAIT_DOUBLINGS 12

typedef struct {
    whk_registry_t *registry;
    const whk_notifier_t *notifier;
    apr_time_t since;
    whk_notification_t *due;
    const whk_outcome_t *failure; /* the first of an event */
    int failed;                   /* to be tried again */
    int is_lost;                  /* another has it */
} delivery_t;

static apr_interval_time_t wait_after(apr_int64_t attempts)
{
    apr_interval_time_t wait = WAIT_FIRST
                               << (attempts > WAIT_DOUBLINGS ? WAIT_DOUBLINGS : attempts);
    apr_uint32_t random = 0;

    if (wait > WAIT_MOST)
        wait = WAIT_MOST;
    whk_random(&random, sizeof(random));
    return wait - wait / 4 * (random % 100) / 100;
}

static const char *json_of(const char *name, const whk_event_t *event, apr_pool_t *pool)
{
    json_t *json = whk_json_adopt(
        pool, json_pack("{s:s, s:s}", "event", name, "enterprise", event->enterprise_id));
    json_t *members = whk_json_adopt(pool, whk_event_json(event, pool));

    return json && members && json_object_update(json, members) == 0 ? whk_json_text(pool, json)
                                                                     : NULL;
}

static const whk_outcome_t *keep(delivery_t *delivery, apr_int64_t position)
{
    int kept;

    WHK_TRY(whk_store_notification_told(delivery->registry->store, delivery->registry->pool,
                                        delivery->due, position,
                                        whk_time_now() + delivery->notifier->lease, &kept));
    delivery->is_lost = !kept;
    return NULL;
}

/* Whether it is behind us, told or passed over. */
static int is_told(delivery_t *delivery, const whk_event_t *event, apr_pool_t *pool)
{
    const whk_notifier_t *notifier = delivery->notifier;
    const char *name = whk_notification_name(whk_event_type_find(event->type));
    const whk_outcome_t *flaw;
    const char *json;

    if (!name || event->at < delivery->since)
        return 1;
    flaw = whk_event_check(delivery->registry->pool, delivery->registry->secret, event);
    if (flaw) {
        delivery->failure = delivery->failure ? delivery->failure : flaw;
        return 1;
    }
    json = json_of(name, event, pool);
    return json && notifier->tell(notifier->baton, name, event, json, pool);
}

static const whk_outcome_t *tell_page(delivery_t *delivery, const apr_array_header_t *events,
                                      apr_pool_t *pool)
{
    int i;

    for (i = 0; i < events->nelts && !delivery->failed && !delivery->is_lost; i++) {
        const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

        if (delivery->notifier->is_stopping(delivery->notifier->baton) ||
            !is_told(delivery, event, pool))
            delivery->failed = 1;
        else
            WHK_TRY(keep(delivery, event->id));
    }
    return NULL;
}

static const whk_outcome_t *tell_all(delivery_t *delivery, apr_pool_t *pool)
{
    whk_store_t *store = delivery->registry->store;
    apr_array_header_t *events;
    int done = 0;

    while (!done && !delivery->failed && !delivery->is_lost) {
        apr_pool_clear(pool);
        WHK_TRY(whk_store_event_walk(store, pool, delivery->due->enterprise_id,
                                     delivery->due->position, PAGE, &events));
        WHK_TRY(tell_page(delivery, events, pool));
        if (events->nelts < PAGE && !delivery->failed && !delivery->is_lost)
            WHK_TRY(whk_store_notification_done(store, pool, delivery->due, &done));
        /* Queued for an event that is not to be found: somebody took it away. */
        if (!done && !events->nelts)
            delivery->failed = 1;
    }
    return NULL;
}

static const whk_outcome_t *tell_enterprise(delivery_t *delivery)
{
    const whk_outcome_t *outcome;
    apr_pool_t *pool;

    delivery->failed = delivery->is_lost = 0;
    apr_pool_create(&pool, delivery->registry->pool);
    outcome = tell_all(delivery, pool);
    apr_pool_destroy(pool);
    if ((outcome || delivery->failed) && !delivery->is_lost) {
        /* Who only ends leaves it to others at once. */
        apr_interval_time_t wait = delivery->notifier->is_stopping(delivery->notifier->baton)
                                       ? 0
                                       : wait_after(delivery->due->attempts);
        const whk_outcome_t *given =
            whk_store_notification_again(delivery->registry->store, delivery->registry->pool,
                                         delivery->due, whk_time_now() + wait);

        return outcome ? outcome : given;
    }
    return outcome;
}

/* `done` is set where nothing is due. */
static const whk_outcome_t *tell_next(delivery_t *delivery, int *done)
{
    whk_registry_t *registry = delivery->registry;
    apr_time_t now = whk_time_now();
    apr_interval_time_t most = delivery->notifier->lease + WHK_CLOCKS_APART;
    int leased;

    WHK_TRY(whk_store_notification_due(registry->store, registry->pool, now, most, &delivery->due));
    *done = !delivery->due;
    if (*done)
        return NULL;
    WHK_TRY(whk_store_notification_lease(registry->store, registry->pool, delivery->due, now, most,
                                         now + delivery->notifier->lease, &leased));
    return leased ? tell_enterprise(delivery) : NULL;
}

const whk_outcome_t *whk_notify_due(whk_registry_t *registry, const whk_notifier_t *notifier)
{
    delivery_t delivery = {.registry = registry, .notifier = notifier};
    int done = 0;
    int i;

    WHK_TRY(whk_store_notification_since(registry->store, registry->pool, whk_time_now(),
                                         &delivery.since));
    for (i = 0; i < ENTERPRISES_MOST && !done && !notifier->is_stopping(notifier->baton); i++)
        WHK_TRY(tell_next(&delivery, &done));
    return delivery.failure;
}
