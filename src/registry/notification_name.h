/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** By which name WebhookKeysNotify tells of an event: docs/notifications.md. */

#include "model/event.h"

/** `revocation-planned` and the like; NULL: nobody is told of events of this type. */
const char *whk_notification_name(whk_event_type_t type);
