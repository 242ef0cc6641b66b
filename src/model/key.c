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

const char *whk_remote_flaw_name(whk_remote_flaw_t flaw)
{
    static const char *const flaws[WHK_REMOTE_COUNT] = {
        [WHK_REMOTE_UNREACHABLE] = "unreachable",
        [WHK_REMOTE_GONE] = "gone",
        [WHK_REMOTE_CHANGED] = "changed",
    };

    return flaws[flaw];
}
