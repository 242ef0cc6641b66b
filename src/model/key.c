/* SPDX-License-Identifier: Apache-2.0 */
#include "model/key.h"

#include <string.h>

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

int whk_key_id_is_set(const char *key_id)
{
    return !strcmp(key_id, "*") || !strncmp(key_id, "*:", 2);
}

/* No thumbprint of a key has a colon. */
int whk_key_is_set(const whk_key_t *key)
{
    return !strncmp(key->thumbprint, WHK_SET_THUMBPRINT, strlen(WHK_SET_THUMBPRINT));
}

const char *whk_key_set_flaw(const whk_key_t *key)
{
    if (!whk_key_is_set(key))
        return (key->followed_by && !key->jwks_uri) || (key->gone && !key->followed_by)
                   ? "it came from no set, but says that it did"
                   : NULL;
    if (strcmp(key->thumbprint + strlen(WHK_SET_THUMBPRINT), key->id) != 0 ||
        strcmp(key->jwk, WHK_SET_JWK) != 0 || *key->algorithm || !key->jwks_uri ||
        key->followed_by || key->gone || key->remote_flaw != WHK_REMOTE_GOOD ||
        !whk_key_id_is_set(key->key_id))
        return "it stands for a set, and is not as such a key is";
    return NULL;
}
