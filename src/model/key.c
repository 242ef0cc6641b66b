/* SPDX-License-Identifier: Apache-2.0 */
#include "model/key.h"

static const char *const status_names[] = {
    [WHK_KEY_STATUS_ACTIVE] = "ACTIVE",
    [WHK_KEY_STATUS_REVOKED] = "REVOKED",
};

static const char *const event_type_names[WHK_EVENT_TYPE_COUNT] = {
    [WHK_EVENT_KEY_REGISTERED] = "key.registered",
    [WHK_EVENT_KEY_REVOKED] = "key.revoked",
    [WHK_EVENT_KEY_REGISTRATION_REFUSED] = "key.registration_refused",
    [WHK_EVENT_OTP_REFUSED] = "otp.refused",
    [WHK_EVENT_OTP_LOCKED] = "otp.locked",
    [WHK_EVENT_JWKS_URI_KEY_CHANGED] = "jwks_uri.key_changed",
};

const char *whk_key_status_name(whk_key_status_t status)
{
    return status_names[status];
}

const char *whk_event_type_name(whk_event_type_t type)
{
    return event_type_names[type];
}

const char *whk_remote_flaw_name(whk_remote_flaw_t flaw)
{
    static const char *const flaws[WHK_REMOTE_COUNT] = {
        [WHK_REMOTE_UNREACHABLE] = "unreachable",
        [WHK_REMOTE_GONE] = "gone",
        [WHK_REMOTE_CHANGED] = "changed",
    };

    return flaws[flaw];
}
