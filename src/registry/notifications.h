/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Telling somebody of events: from the audit trail, at least once, in their order for each
 * enterprise, by one process of the fleet at a time. What could not be told is tried again, later
 * each time, and keeps no other enterprise waiting. Events of before anybody was to be told are
 * not, and neither are those of whkctl import: whoever imports knows.
 *
 * An event whose seal does not fit is not told as if it were true: it is passed over. */

#include "model/event.h"
#include "registry/registry.h"

typedef struct whk_notifier_t {
    /** Tell of an event.
     * @param name whk_notification_name()
     * @param json the event, as docs/notifications.md has it
     * @return 0: it was not told, and is to be tried again */
    int (*tell)(void *baton, const char *name, const whk_event_t *event, const char *json,
                apr_pool_t *pool);
    /** An event is passed over: why. */
    void (*pass)(void *baton, const whk_outcome_t *flaw);
    int (*is_stopping)(void *baton);
    void *baton;
    apr_interval_time_t most; /**< what telling of one event takes, at most */
} whk_notifier_t;

/** From now on events are told, where nobody said so before: before any is written down because
 * somebody is to be told of it. */
const whk_outcome_t *whk_notify_begin(whk_registry_t *registry, apr_time_t *since);

/** Tell what is due, for some events and some time: what is left is due still, and others that use
 * this thread get their turn. @return NULL, or the first failure of the registry */
const whk_outcome_t *whk_notify_due(whk_registry_t *registry, const whk_notifier_t *notifier);
