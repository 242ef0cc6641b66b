/* SPDX-License-Identifier: Apache-2.0 */
#include "model/key.h"

static const char *const status_names[] = {
    [WHK_KEY_STATUS_ACTIVE] = "ACTIVE",
    [WHK_KEY_STATUS_REVOKED] = "REVOKED",
};

const char *whk_key_status_name(whk_key_status_t status)
{
    return status_names[status];
}

int whk_key_is_due(const whk_key_t *key, apr_time_t now)
{
    return key->status == WHK_KEY_STATUS_ACTIVE && key->revokes && key->revokes <= now;
}

void whk_key_settle(whk_key_t *key, apr_time_t now)
{
    if (!whk_key_is_due(key, now))
        return;
    key->status = WHK_KEY_STATUS_REVOKED;
    key->revoked = key->revokes;
    key->revoked_by = WHK_SCHEDULE;
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
