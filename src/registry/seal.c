/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/seal.h"

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <string.h>

#include "jose/base64url.h"
#include "jose/jwk_thumbprint.h"
#include "model/log_number.h"
#include "registry/netstring.h"

#define VERSION "v1."

static const char *time_text(apr_pool_t *pool, apr_time_t when)
{
    return whk_netstring_number(pool, apr_time_as_msec(when));
}

/* A member that is not in every row: its name, and its value as a netstring; nothing where it has
 * none. Behind the members that are always there, in the order below, so that what was sealed
 * before there was such a member is good still. */
static const char *named(apr_pool_t *pool, const char *name, const char *value)
{
    return value ? apr_pstrcat(pool, whk_netstring(pool, name), value, NULL) : "";
}

static const char *time_if_any(apr_pool_t *pool, apr_time_t when)
{
    return when ? time_text(pool, when) : NULL;
}

static const char *text_if_any(apr_pool_t *pool, const char *text)
{
    return text ? whk_netstring(pool, text) : NULL;
}

static const char *key_text(apr_pool_t *pool, const whk_key_t *key)
{
    return apr_pstrcat(pool, whk_netstring(pool, "key"), whk_netstring(pool, key->id),
                       whk_netstring(pool, key->enterprise_id), whk_netstring(pool, key->key_id),
                       whk_netstring(pool, key->key_name), whk_netstring(pool, key->algorithm),
                       whk_netstring(pool, key->jwks_uri), whk_netstring(pool, key->jwk),
                       whk_netstring(pool, key->thumbprint),
                       whk_netstring(pool, whk_key_status_name(key->status)),
                       time_text(pool, key->created), whk_netstring(pool, key->created_by),
                       time_text(pool, key->revoked), whk_netstring(pool, key->revoked_by),
                       whk_netstring(pool, whk_remote_flaw_name(key->remote_flaw)),
                       named(pool, "revokes", time_if_any(pool, key->revokes)),
                       named(pool, "followedBy", text_if_any(pool, key->followed_by)),
                       named(pool, "gone", time_if_any(pool, key->gone)), NULL);
}

static const char *admin_text(apr_pool_t *pool, const whk_admin_t *admin)
{
    return apr_pstrcat(pool, whk_netstring(pool, "admin"),
                       whk_netstring(pool, admin->enterprise_id), whk_netstring(pool, admin->user),
                       time_text(pool, admin->created), NULL);
}

static const char *event_text(apr_pool_t *pool, const whk_event_t *event)
{
    return apr_pstrcat(pool, whk_netstring(pool, "event"),
                       whk_netstring(pool, event->enterprise_id),
                       whk_netstring_number(pool, event->id), whk_netstring(pool, event->type),
                       whk_netstring(pool, event->key_id), whk_netstring(pool, event->actor),
                       time_text(pool, event->at), whk_netstring(pool, event->remote_address),
                       whk_netstring(pool, event->request_id), whk_netstring(pool, event->detail),
                       whk_netstring(pool, event->hash), NULL);
}

static const char *idempotency_key_text(apr_pool_t *pool, const whk_idempotency_key_t *key)
{
    return apr_pstrcat(pool, whk_netstring(pool, "idempotency key"),
                       whk_netstring(pool, key->enterprise_id), whk_netstring(pool, key->user),
                       whk_netstring(pool, key->key), time_text(pool, key->created),
                       whk_netstring(pool, key->body_hash), whk_netstring(pool, key->code),
                       whk_netstring(pool, key->answer), NULL);
}

static const char *etag_text(apr_pool_t *pool, const whk_remote_set_t *set)
{
    return apr_pstrcat(pool, whk_netstring(pool, "etag"), whk_netstring(pool, set->uri),
                       whk_netstring(pool, set->etag), NULL);
}

/* ---- sealing ---- */

static const char *seal_under(apr_pool_t *pool, const whk_secret_key_t *secret,
                              const char *fingerprint, apr_size_t length, const char *text)
{
    unsigned char mac[WHK_MAC_LENGTH];

    if (!whk_secret_key_mac(secret, fingerprint, length, text, strlen(text), mac))
        return NULL;
    return apr_pstrcat(pool, VERSION, apr_pstrmemdup(pool, fingerprint, length), ".",
                       whk_base64url_encode(pool, mac, sizeof(mac)), NULL);
}

static const char *seal(apr_pool_t *pool, const whk_secret_key_t *secret, const char *text)
{
    const char *fingerprint = secret ? whk_secret_key_fingerprint(secret) : NULL;

    return fingerprint ? seal_under(pool, secret, fingerprint, strlen(fingerprint), text) : NULL;
}

const char *whk_key_seal(apr_pool_t *pool, const whk_secret_key_t *secret, const whk_key_t *key)
{
    return seal(pool, secret, key_text(pool, key));
}

const char *whk_admin_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_admin_t *admin)
{
    return seal(pool, secret, admin_text(pool, admin));
}

const char *whk_event_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_event_t *event)
{
    return seal(pool, secret, event_text(pool, event));
}

const char *whk_idempotency_key_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_idempotency_key_t *key)
{
    return seal(pool, secret, idempotency_key_text(pool, key));
}

const char *whk_etag_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                          const whk_remote_set_t *set)
{
    return set->etag ? seal(pool, secret, etag_text(pool, set)) : NULL;
}

static const whk_outcome_t *set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const char *made, const char **place)
{
    *place = made;
    if (made)
        return NULL;
    if (!secret)
        return whk_fail(
            pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0222) "nothing can be written to the registry without a key to seal it: add "
                            "WebhookKeysSecretKeyFile to the configuration of this server");
    return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0223) "OpenSSL can't compute HMAC-SHA256");
}

const whk_outcome_t *whk_key_set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                      whk_key_t *key)
{
    return set_seal(pool, secret, whk_key_seal(pool, secret, key), &key->seal);
}

const whk_outcome_t *whk_admin_set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                        whk_admin_t *admin)
{
    return set_seal(pool, secret, whk_admin_seal(pool, secret, admin), &admin->seal);
}

const whk_outcome_t *whk_event_set_seal(apr_pool_t *pool, const whk_secret_key_t *secret,
                                        whk_event_t *event)
{
    return set_seal(pool, secret, whk_event_seal(pool, secret, event), &event->seal);
}

/* ---- looking at seals ---- */

static const char *seal_flaw(apr_pool_t *pool, const whk_secret_key_t *secret, const char *found,
                             const char *text)
{
    const char *fingerprint;
    const char *end;
    const char *wanted;
    apr_size_t length;

    if (!secret)
        return "its seal can't be judged without WebhookKeysSecretKeyFile";
    if (!found)
        return "it has no seal: it was not written by this module";
    fingerprint = found + strlen(VERSION);
    end = strncmp(found, VERSION, strlen(VERSION)) ? NULL : strchr(fingerprint, '.');
    if (!end)
        return "its seal is not of the form that this version writes";
    length = (apr_size_t)(end - fingerprint);
    wanted = seal_under(pool, secret, fingerprint, length, text);
    if (!wanted)
        return "its seal is of a key that the secret key file here does not hold";
    if (strlen(wanted) != strlen(found) || CRYPTO_memcmp(wanted, found, strlen(wanted)) != 0)
        return "its seal does not fit: it was changed, or put here from elsewhere";
    return NULL;
}

const char *whk_key_material_flaw(apr_pool_t *pool, const whk_key_t *key)
{
    const char *thumbprint;

    if (whk_key_set_flaw(key) || !whk_key_has_material(key))
        return whk_key_set_flaw(key);
    thumbprint = whk_jwk_stored_thumbprint(key->jwk, pool);
    return thumbprint && !strcmp(thumbprint, key->thumbprint)
               ? NULL
               : "its material has another thumbprint than the row says";
}

static const char *key_flaw(apr_pool_t *pool, const whk_secret_key_t *secret, const whk_key_t *key)
{
    const char *flaw;

    if (key->corrupt)
        return "it holds what no version of this module writes";
    flaw = seal_flaw(pool, secret, key->seal, key_text(pool, key));
    return flaw ? flaw : whk_key_material_flaw(pool, key);
}

/* Many rows are checked in one pool, which need not hold what that takes. */
const char *whk_key_flaw(apr_pool_t *pool, const whk_secret_key_t *secret, const whk_key_t *key)
{
    apr_pool_t *scratch;
    const char *flaw;

    apr_pool_create(&scratch, pool);
    flaw = key_flaw(scratch, secret, key);
    apr_pool_destroy(scratch);
    return flaw;
}

const char *whk_admin_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_admin_t *admin)
{
    return seal_flaw(pool, secret, admin->seal, admin_text(pool, admin));
}

const char *whk_event_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                           const whk_event_t *event)
{
    apr_pool_t *scratch;
    const char *flaw;

    apr_pool_create(&scratch, pool);
    flaw = seal_flaw(scratch, secret, event->seal, event_text(scratch, event));
    apr_pool_destroy(scratch);
    return flaw;
}

const char *whk_idempotency_key_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_idempotency_key_t *key)
{
    return seal_flaw(pool, secret, key->seal, idempotency_key_text(pool, key));
}

const char *whk_etag_flaw(apr_pool_t *pool, const whk_secret_key_t *secret,
                          const whk_remote_set_t *set)
{
    return seal_flaw(pool, secret, set->etag_seal, etag_text(pool, set));
}

#define WHAT_TO_DO                                                                                 \
    "run whkctl audit verify, look who else writes to the database, and restore a backup"

const whk_outcome_t *whk_key_is_bad(apr_pool_t *pool, const char *enterprise_id, const char *key_id,
                                    const char *flaw)
{
    return whk_fail(
        pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0224) "the row of key %s of enterprise %s is not to be trusted: %s; " WHAT_TO_DO,
        key_id, enterprise_id, flaw);
}

const whk_outcome_t *whk_key_check(apr_pool_t *pool, const whk_secret_key_t *secret,
                                   const whk_key_t *key)
{
    const char *flaw = whk_key_flaw(pool, secret, key);

    return flaw ? whk_key_is_bad(pool, key->enterprise_id, key->key_id, flaw) : NULL;
}

const whk_outcome_t *whk_admin_check(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_admin_t *admin)
{
    const char *flaw = whk_admin_flaw(pool, secret, admin);

    if (!flaw)
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0225) "the row that makes %s an admin of enterprise %s is not to be "
                                    "trusted: %s; run whkctl admin remove where it should not be "
                                    "there, and whkctl audit verify",
                    admin->user, admin->enterprise_id, flaw);
}

const whk_outcome_t *whk_event_check(apr_pool_t *pool, const whk_secret_key_t *secret,
                                     const whk_event_t *event)
{
    const char *flaw = whk_event_flaw(pool, secret, event);

    if (!flaw)
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0226) "event %" APR_INT64_T_FMT
                                    " of enterprise %s is not to be trusted: %s; " WHAT_TO_DO,
                    event->id, event->enterprise_id, flaw);
}
