/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** An event of the audit trail: in answers, and as the store keeps it. Strings live in the pool of
 * whoever filled them. */

#include <apr_time.h>

typedef enum {
    WHK_EVENT_KEY_REGISTERED,
    WHK_EVENT_KEY_REVOKED,
    WHK_EVENT_KEY_REGISTRATION_REFUSED,
    WHK_EVENT_OTP_REFUSED,
    WHK_EVENT_OTP_LOCKED,
    WHK_EVENT_JWKS_URI_KEY_CHANGED,
    WHK_EVENT_REVOCATION_PLANNED,
    WHK_EVENT_REVOCATION_CANCELLED,
    WHK_EVENT_JWKS_URI_KEY_GONE,
    WHK_EVENT_JWKS_URI_KEY_RETURNED,
    WHK_EVENT_REVOCATION_NEAR,
    WHK_EVENT_KEY_UNUSED,
    WHK_EVENT_JWKS_URI_UNREACHABLE,
    WHK_EVENT_TYPE_COUNT
} whk_event_type_t;

/** `key.registered` and the like: in answers and in the store. */
const char *whk_event_type_name(whk_event_type_t type);

/** The type of that name; WHK_EVENT_TYPE_COUNT where it is none of this version. */
whk_event_type_t whk_event_type_find(const char *name);

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
