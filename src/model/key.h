/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A registered key, as the registry speaks of it and the store keeps it. Plain data: strings live
 * in the pool of whoever filled them; NULL is "none"; a time of 0 is "never". All times are whole
 * milliseconds. */

#include <apr_time.h>

typedef enum {
    WHK_KEY_STATUS_ACTIVE,
    WHK_KEY_STATUS_REVOKED
} whk_key_status_t;

/** `ACTIVE` or `REVOKED`: in answers and in the store. */
const char *whk_key_status_name(whk_key_status_t status);

/** What the last fetch of a key's set said of it. */
typedef enum {
    WHK_REMOTE_GOOD, /**< also of a key that has no set */
    WHK_REMOTE_UNREACHABLE,
    WHK_REMOTE_GONE,
    WHK_REMOTE_CHANGED,
    WHK_REMOTE_COUNT
} whk_remote_flaw_t;

/** `unreachable`, `gone`, `changed`: in the store; NULL for WHK_REMOTE_GOOD. */
const char *whk_remote_flaw_name(whk_remote_flaw_t flaw);

typedef struct whk_key_t {
    const char *id; /**< random UUID */
    const char *enterprise_id;
    apr_int64_t number; /**< 1, 2, 3 … in its enterprise, as they were registered */
    const char *key_id; /**< the JWK's `kid`, unique in its enterprise for ever */
    const char *key_name;
    const char *algorithm; /**< EdDSA, ECDSA or RSA: of the key itself, also where it came by URI */
    const char *jwks_uri;  /**< NULL for an inline key */
    const char *jwk; /**< JSON text of the public members (RFC 7517), with `alg` where it had one */
    const char *thumbprint; /**< RFC 7638, SHA-256, base64url */
    whk_key_status_t status;
    apr_time_t created;
    const char *created_by;
    apr_time_t last_used;
    apr_time_t revokes; /**< when it is revoked by itself, or was; 0: nothing is planned */
    apr_time_t revoked;
    const char *revoked_by;
    whk_remote_flaw_t remote_flaw;
    const char *followed_by; /**< keyId of the set that it came by itself from; NULL: none */
    apr_time_t gone;         /**< of such a key: since when the set has it no more */
    const char *refused; /**< of a set: which members were refused last (registry/followed_set.c);
                            not sealed */
    const char *seal;    /**< registry/seal.h; NULL: none */
    int corrupt;         /**< the store holds of it what no version of ours has written */
} whk_key_t;

/** Who revokes a key by itself: its `revoked_by`, and the actor of the event. */
#define WHK_SCHEDULE "schedule"

/** True of an ACTIVE key whose planned time has come: it is revoked, whether its row says so yet or
 * not. */
int whk_key_is_due(const whk_key_t *key, apr_time_t now);

/** Make of a key whose planned time has come what its row will say: REVOKED, then, by the schedule.
 * For what is shown or judged after its seal was looked at, which is of the row. */
void whk_key_settle(whk_key_t *key, apr_time_t now);

/** A key that stands for all keys of the set at its jwks_uri, and has no material of its own: its
 * `jwk` is WHK_SET_JWK, its `thumbprint` WHK_SET_THUMBPRINT and its id, its `algorithm` empty. */
#define WHK_SET_JWK "{}"
#define WHK_SET_THUMBPRINT "set:"

int whk_key_is_set(const whk_key_t *key);

/** A keyId that was used up before the enterprise came here, and whose key nobody knows any more:
 * REVOKED, without material of its own. Its `jwk` is WHK_SET_JWK, its `thumbprint` this and its id,
 * its `algorithm` empty. */
#define WHK_BURNT_THUMBPRINT "burnt:"

int whk_key_is_burnt(const whk_key_t *key);

/** False of both. */
int whk_key_has_material(const whk_key_t *key);

/** What is wrong with a key as one that stands for a set, or came from one, or is burnt, beside its
 * seal: NULL, nothing. */
const char *whk_key_set_flaw(const whk_key_t *key);

/** `*`, or `*:` and a name: what a key that stands for a set is called. */
int whk_key_id_is_set(const char *key_id);
