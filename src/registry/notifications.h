/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Telling somebody of events: from the audit trail, at least once, in their order for each
 * enterprise, by one process of the fleet at a time. What could not be told is tried again, later
 * each time, and keeps no other enterprise waiting. Events of before anybody was to be told are
 * not.
 *
 * An event whose seal does not fit is not told as if it were true: it is passed over, and the
 * failure says so. */

#include "model/event.h"
#include "registry/registry.h"

typedef struct whk_notifier_t {
    /** Tell of an event.
     * @param name whk_notification_name()
     * @param json the event, as docs/notifications.md has it
     * @return 0: it was not told, and is to be tried again */
    int (*tell)(void *baton, const char *name, const whk_event_t *event, const char *json,
                apr_pool_t *pool);
    int (*is_stopping)(void *baton);
    void *baton;
    apr_interval_time_t lease; /**< longer than telling of one event takes */
} whk_notifier_t;

/** Tell what is due. @return NULL, or the first failure of the registry; what was due is still */
const whk_outcome_t *whk_notify_due(whk_registry_t *registry, const whk_notifier_t *notifier);
