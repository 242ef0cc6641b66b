/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/notification_name.h"

#include <stddef.h>

const char *whk_notification_name(whk_event_type_t type)
{
    static const char *const names[WHK_EVENT_TYPE_COUNT] = {
        [WHK_EVENT_KEY_REGISTERED] = "registered",
        [WHK_EVENT_KEY_REVOKED] = "revoked",
        [WHK_EVENT_REVOCATION_PLANNED] = "revocation-planned",
        [WHK_EVENT_REVOCATION_NEAR] = "revocation-near",
        [WHK_EVENT_KEY_UNUSED] = "unused",
        [WHK_EVENT_JWKS_URI_KEY_CHANGED] = "key-changed",
        [WHK_EVENT_JWKS_URI_UNREACHABLE] = "unreachable",
        [WHK_EVENT_OTP_LOCKED] = "otp-locked",
    };

    return type < WHK_EVENT_TYPE_COUNT ? names[type] : NULL;
}
