/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/notifications.h"

#include <jansson.h>

#include "jose/json.h"
#include "model/caller.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/api_json.h"
#include "registry/notification_name.h"
#include "registry/seal.h"
#include "store/events.h"
#include "store/notifications.h"

/* A call takes so many enterprises, and none anew after so long. */
#define ENTERPRISES_MOST 32
#define CALL_MOST apr_time_from_sec(60)

#define PAGE 50

/* Told of an enterprise in one go: then others get their turn. */
#define TOLD_MOST 200

/* A lease in runs of a program: one that takes as long as it may, by a clock that is as far behind
 * as clocks may be, ends before another node takes over. */
#define LEASE_IN_RUNS 3

/* How long to wait after a failure: twice as long each time. */
#define WAIT_FIRST apr_time_from_sec(1)
#define WAIT_MOST apr_time_from_sec(3600)
#define WAIT_DOUBLINGS 12

typedef struct {
    whk_registry_t *registry;
    const whk_notifier_t *notifier;
    apr_time_t since;
    whk_notification_t *due;
    apr_int64_t passed; /* the last that was told or passed over */
    int told;           /* of this enterprise, in this go */
    const whk_outcome_t *failure;
    int failed;  /* to be tried again */
    int is_lost; /* another has it, or may have */
} delivery_t;

static apr_interval_time_t lease_of(const delivery_t *delivery)
{
    return LEASE_IN_RUNS * delivery->notifier->most;
}

static int is_stopping(const delivery_t *delivery)
{
    return delivery->notifier->is_stopping(delivery->notifier->baton);
}

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

/* Write down how far it came, and keep it. */
static const whk_outcome_t *keep(delivery_t *delivery, apr_pool_t *pool)
{
    int kept;

    WHK_TRY(whk_store_notification_told(delivery->registry->store, pool, delivery->due,
                                        delivery->passed, whk_time_now() + lease_of(delivery),
                                        &kept));
    delivery->is_lost = !kept;
    return NULL;
}

/* Whether nobody is to be told of it. */
static int is_passed(const delivery_t *delivery, const whk_event_t *event, const char *name,
                     apr_pool_t *pool)
{
    const whk_outcome_t *flaw;

    if (!name || event->at < delivery->since)
        return 1;
    flaw = whk_event_check(pool, delivery->registry->secret, event);
    if (flaw)
        delivery->notifier->pass(delivery->notifier->baton, flaw);
    return flaw || whk_caller_is_import(event->request_id);
}

static const whk_outcome_t *tell(delivery_t *delivery, const whk_event_t *event, const char *name,
                                 apr_pool_t *pool)
{
    const char *json = json_of(name, event, pool);

    if (!json)
        return whk_fail(delivery->registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0946) "event %" APR_INT64_T_FMT
                                        " of enterprise %s can't be written as JSON: run whkctl "
                                        "audit verify",
                        event->id, event->enterprise_id);
    delivery->failed =
        !delivery->notifier->tell(delivery->notifier->baton, name, event, json, pool);
    if (delivery->failed)
        return NULL;
    delivery->told++;
    delivery->passed = event->id;
    return keep(delivery, pool);
}

/* Whoever slept meanwhile can't know that it is still the one who tells. */
static int may_tell(delivery_t *delivery)
{
    apr_time_t safe = delivery->due->leased_until - 2 * delivery->notifier->most;

    if (is_stopping(delivery))
        delivery->failed = 1;
    else if (whk_time_now() > safe)
        delivery->is_lost = 1;
    return !delivery->failed && !delivery->is_lost;
}

static const whk_outcome_t *tell_page(delivery_t *delivery, const apr_array_header_t *events,
                                      apr_pool_t *pool)
{
    int i;

    for (i = 0; i < events->nelts && delivery->told < TOLD_MOST; i++) {
        const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);
        const char *name = whk_notification_name(whk_event_type_find(event->type));

        if (is_passed(delivery, event, name, pool)) {
            delivery->passed = event->id;
            continue;
        }
        if (!may_tell(delivery))
            break;
        WHK_TRY(tell(delivery, event, name, pool));
        if (delivery->failed || delivery->is_lost)
            break;
    }
    return delivery->passed > delivery->due->position && !delivery->is_lost ? keep(delivery, pool)
                                                                            : NULL;
}

static const whk_outcome_t *tell_all(delivery_t *delivery, apr_pool_t *pool)
{
    whk_store_t *store = delivery->registry->store;
    apr_array_header_t *events;
    int done = 0;

    delivery->passed = delivery->due->position;
    while (!done && !delivery->failed && !delivery->is_lost && delivery->told < TOLD_MOST) {
        apr_pool_clear(pool);
        WHK_TRY(whk_store_event_walk(store, pool, delivery->due->enterprise_id,
                                     delivery->due->position, PAGE, &events));
        WHK_TRY(tell_page(delivery, events, pool));
        if (events->nelts < PAGE && !delivery->failed && !delivery->is_lost &&
            delivery->told < TOLD_MOST)
            WHK_TRY(whk_store_notification_done(store, pool, delivery->due, &done));
        if (!done && !events->nelts)
            return whk_fail(delivery->registry->pool, WHK_INTERNAL_ERROR,
                            WHK_LOGNO(0947) "enterprise %s lacks events behind number "
                                            "%" APR_INT64_T_FMT
                                            " that somebody is to be told of: run whkctl audit "
                                            "verify",
                            delivery->due->enterprise_id, delivery->due->position);
    }
    return NULL;
}

/* Who only ends, or had his turn, leaves it to others at once. */
static const whk_outcome_t *give_back(delivery_t *delivery, const whk_outcome_t *outcome)
{
    whk_store_t *store = delivery->registry->store;
    apr_pool_t *pool = delivery->registry->pool;
    apr_time_t now = whk_time_now();

    if (delivery->is_lost)
        return NULL;
    if (is_stopping(delivery) || (!outcome && !delivery->failed))
        return whk_store_notification_later(store, pool, delivery->due, now);
    return whk_store_notification_again(store, pool, delivery->due,
                                        now + wait_after(delivery->due->attempts));
}

static const whk_outcome_t *tell_enterprise(delivery_t *delivery)
{
    const whk_outcome_t *outcome;
    const whk_outcome_t *given = NULL;
    apr_pool_t *pool;

    delivery->failed = delivery->is_lost = delivery->told = 0;
    apr_pool_create(&pool, delivery->registry->pool);
    outcome = tell_all(delivery, pool);
    apr_pool_destroy(pool);
    if (outcome || delivery->failed || delivery->told >= TOLD_MOST)
        given = give_back(delivery, outcome);
    return outcome ? outcome : given;
}

/* `done` is set where nothing is due. */
static const whk_outcome_t *tell_next(delivery_t *delivery, int *done)
{
    whk_registry_t *registry = delivery->registry;
    apr_time_t now = whk_time_now();
    apr_interval_time_t most = lease_of(delivery) + WHK_CLOCKS_APART;
    const whk_outcome_t *outcome;
    int leased;

    WHK_TRY(whk_store_notification_due(registry->store, registry->pool, now, most, &delivery->due));
    *done = !delivery->due;
    if (*done)
        return NULL;
    WHK_TRY(whk_store_notification_lease(registry->store, registry->pool, delivery->due, now, most,
                                         now + lease_of(delivery), &leased));
    outcome = leased ? tell_enterprise(delivery) : NULL;
    /* Of an enterprise: it keeps no other waiting. */
    if (outcome && outcome->code == WHK_INTERNAL_ERROR) {
        delivery->failure = delivery->failure ? delivery->failure : outcome;
        return NULL;
    }
    return outcome;
}

const whk_outcome_t *whk_notify_begin(whk_registry_t *registry, apr_time_t *since)
{
    return whk_store_notification_since(registry->store, registry->pool, whk_time_now(),
                                        WHK_CLOCKS_APART, since);
}

const whk_outcome_t *whk_notify_due(whk_registry_t *registry, const whk_notifier_t *notifier)
{
    delivery_t delivery = {.registry = registry, .notifier = notifier};
    apr_time_t end = whk_clock_now() + CALL_MOST;
    int done = 0;
    int i;

    WHK_TRY(whk_notify_begin(registry, &delivery.since));
    for (i = 0; i < ENTERPRISES_MOST && !done && !is_stopping(&delivery) && whk_clock_now() < end;
         i++)
        WHK_TRY(tell_next(&delivery, &done));
    return delivery.failure;
}
