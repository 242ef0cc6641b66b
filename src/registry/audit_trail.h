/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The audit trail: per enterprise, numbered without a gap, chained by hash.
 *
 * hash(n) is the lower-case hex SHA-256 of, one after another: hash(n-1) ("" before the first),
 * enterprise, id, type, keyId, actor, at (milliseconds since 1970), remoteAddress, requestId,
 * detail. Each is written as a netstring (`5:hello,`), an absent one as `-,`. The enterprise's row
 * keeps count and newest hash, so a trail that lost its tail is noticed too. */

#include "model/event.h"
#include "registry/registry.h"
#include "store/enterprises.h"

/** Of `detail` of jwks_uri.key_changed: another key was refused, or taken, which `accepted ` is
 *  followed by the thumbprint of. Of key.registered it is the thumbprint. */
#define WHK_AUDIT_REFUSED "refused"
#define WHK_AUDIT_ACCEPTED "accepted "

/** [T] Append an event to a locked enterprise, sealed, and move its count and head; the caller of
 *  this then writes the enterprise back. Strings may be NULL, but not `type`, `actor`. */
const whk_outcome_t *whk_audit_append(whk_store_t *store, apr_pool_t *pool,
                                      const whk_secret_key_t *secret, whk_enterprise_t *enterprise,
                                      whk_event_type_t type, const char *key_id,
                                      const whk_caller_t *caller, const char *detail,
                                      apr_time_t when);

/** The hash of an event that follows one whose hash is `previous`; NULL: there is no SHA-256. */
const char *whk_audit_hash(apr_pool_t *pool, const char *previous, const whk_event_t *event);
