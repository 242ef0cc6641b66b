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
static int has_no_thumbprint_but(const whk_key_t *key, const char *what)
{
    return !strncmp(key->thumbprint, what, strlen(what));
}

int whk_key_is_set(const whk_key_t *key)
{
    return has_no_thumbprint_but(key, WHK_SET_THUMBPRINT);
}

int whk_key_is_burnt(const whk_key_t *key)
{
    return has_no_thumbprint_but(key, WHK_BURNT_THUMBPRINT);
}

int whk_key_has_material(const whk_key_t *key)
{
    return !whk_key_is_set(key) && !whk_key_is_burnt(key);
}

/* It has a thumbprint of its own, no material, and came from no set. */
static int is_empty(const whk_key_t *key, const char *what)
{
    return !strcmp(key->thumbprint + strlen(what), key->id) && !strcmp(key->jwk, WHK_SET_JWK) &&
           !*key->algorithm && !key->followed_by && !key->gone &&
           key->remote_flaw == WHK_REMOTE_GOOD;
}

const char *whk_key_set_flaw(const whk_key_t *key)
{
    if (whk_key_is_set(key))
        return is_empty(key, WHK_SET_THUMBPRINT) && key->jwks_uri && whk_key_id_is_set(key->key_id)
                   ? NULL
                   : "it stands for a set, and is not as such a key is";
    if (whk_key_is_burnt(key))
        return is_empty(key, WHK_BURNT_THUMBPRINT) && !key->jwks_uri &&
                       key->status == WHK_KEY_STATUS_REVOKED
                   ? NULL
                   : "it is a keyId that was used up elsewhere, and is not as such a one is";
    return (key->followed_by && !key->jwks_uri) || (key->gone && !key->followed_by)
               ? "it came from no set, but says that it did"
               : NULL;
}
