/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_MODEL_KEY_H
#define WHK_MODEL_KEY_H

/**
 * @file model/key.h
 * A registered key, an event of the audit trail, and the people and tokens around them, as the
 * registry speaks of them and the store keeps them. Plain data: strings live in the pool of
 * whoever filled them; NULL is "none"; a time of 0 is "never". All times are whole milliseconds.
 */

#include <apr_pools.h>
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
    apr_time_t revoked;
    const char *revoked_by;
    whk_remote_flaw_t remote_flaw;
    const char *seal; /**< registry/seal.h; NULL: none */
    int flawed;       /**< the store holds of it what no version of ours has written */
} whk_key_t;

/** A key set by URI. */
typedef struct whk_remote_set_t {
    const char *uri;
    const char *etag;        /**< NULL: none */
    const char *etag_seal;   /**< registry/seal.h; NULL: none */
    apr_time_t refresh_at;   /**< when it is to be fetched again */
    apr_time_t fresh_until;  /**< until when the last good answer is good */
    apr_int64_t failures;    /**< in a row */
    apr_time_t leased_until; /**< by whom it was taken, until then */
} whk_remote_set_t;

typedef enum {
    WHK_EVENT_KEY_REGISTERED,
    WHK_EVENT_KEY_REVOKED,
    WHK_EVENT_KEY_REGISTRATION_REFUSED,
    WHK_EVENT_OTP_REFUSED,
    WHK_EVENT_OTP_LOCKED,
    WHK_EVENT_JWKS_URI_KEY_CHANGED,
    WHK_EVENT_TYPE_COUNT
} whk_event_type_t;

/** `key.registered` and the like: in answers and in the store. */
const char *whk_event_type_name(whk_event_type_t type);

/** One event of an enterprise's trail. Events of one enterprise are numbered 1, 2, 3 … without a
 * gap. */
typedef struct whk_event_t {
    apr_int64_t id;
    const char *enterprise_id;
    const char *type; /**< a whk_event_type_name() */
    const char *key_id;
    const char *actor;
    apr_time_t at;
    const char *remote_address;
    const char *request_id;
    const char *detail;
    const char *hash; /**< links it to the event before: see registry/audit_trail.h */
    const char *seal; /**< registry/seal.h; NULL: none */
} whk_event_t;

typedef struct whk_enterprise_t {
    const char *id;
    const char *name;
    apr_time_t created;
    apr_int64_t revision; /**< grows with whatever changes which keys verify */
    apr_int64_t active_keys;
    apr_int64_t event_count; /**< id of the newest event; 0: none yet */
    const char *event_head;  /**< hash of the newest event; "" where there is none */
} whk_enterprise_t;

typedef struct whk_admin_t {
    const char *enterprise_id;
    const char *user;
    apr_time_t created;
    const char *seal; /**< registry/seal.h; NULL: none */
} whk_admin_t;

/** A bearer token as the store knows it: never the token itself. */
typedef struct whk_token_t {
    const char *id;   /**< random UUID */
    const char *hash; /**< SHA-256 of the token, 64 lower-case hex digits */
    const char *user;
    const char *label;
    apr_time_t created;
    apr_time_t expires; /**< 0: never */
    apr_time_t revoked; /**< 0: not revoked */
} whk_token_t;

/** A user's OTP enrolment and its state. */
typedef struct whk_otp_enrolment_t {
    const char *user;
    const char *sealed_secret; /**< see otp/secret_box.h */
    const char *algorithm;     /**< sha1, sha256 or sha512 */
    int digits;                /**< 6 or 8 */
    int period;                /**< seconds, 15 to 60 */
    apr_int64_t last_step;     /**< the newest step that was used; -1: none */
    int failures;              /**< refused codes in a row */
    apr_time_t locked_until;   /**< 0: not locked */
    apr_time_t created;
} whk_otp_enrolment_t;

#endif
