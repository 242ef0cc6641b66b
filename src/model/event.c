/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#include <string.h>

static const char *const event_type_names[WHK_EVENT_TYPE_COUNT] = {
    [WHK_EVENT_KEY_REGISTERED] = "key.registered",
    [WHK_EVENT_KEY_REVOKED] = "key.revoked",
    [WHK_EVENT_KEY_REGISTRATION_REFUSED] = "key.registration_refused",
    [WHK_EVENT_OTP_REFUSED] = "otp.refused",
    [WHK_EVENT_OTP_LOCKED] = "otp.locked",
    [WHK_EVENT_JWKS_URI_KEY_CHANGED] = "jwks_uri.key_changed",
    [WHK_EVENT_REVOCATION_PLANNED] = "key.revocation_planned",
    [WHK_EVENT_REVOCATION_CANCELLED] = "key.revocation_cancelled",
    [WHK_EVENT_JWKS_URI_KEY_GONE] = "jwks_uri.key_gone",
    [WHK_EVENT_JWKS_URI_KEY_RETURNED] = "jwks_uri.key_returned",
    [WHK_EVENT_REVOCATION_NEAR] = "key.revocation_near",
    [WHK_EVENT_KEY_UNUSED] = "key.unused",
    [WHK_EVENT_JWKS_URI_UNREACHABLE] = "jwks_uri.unreachable",
};

const char *whk_event_type_name(whk_event_type_t type)
{
    return event_type_names[type];
}

whk_event_type_t whk_event_type_find(const char *name)
{
    int type = 0;

    while (type < WHK_EVENT_TYPE_COUNT && strcmp(event_type_names[type], name) != 0)
        type++;
    return (whk_event_type_t)type;
}
