/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_AUDIT_TRAIL_H
#define WHK_REGISTRY_AUDIT_TRAIL_H

/**
 * @file registry/audit_trail.h
 * The audit trail: per enterprise, numbered without a gap, chained by hash.
 *
 * hash(n) is the lower-case hex SHA-256 of, one after another: hash(n-1) ("" before the first),
 * enterprise, id, type, keyId, actor, at (milliseconds since 1970), remoteAddress, requestId,
 * detail. Each is written as a netstring (`5:hello,`), an absent one as `-,`. The enterprise's row
 * keeps count and newest hash, so a trail that lost its tail is noticed too.
 */

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

/** A row that is not as this module wrote it, or does not say what the events do. */
typedef struct whk_audit_finding_t {
    const char *kind; /**< `event`, `key`, `admin`, `material` or `enterprise` */
    const char *name; /**< id of the event, keyId, user, thumbprint or enterprise */
    const char *flaw;
} whk_audit_finding_t;

/** Findings of a kind in an enterprise beyond which they are only counted. */
#define WHK_AUDIT_FINDINGS_MOST 100

/** What `whkctl audit verify` found of one enterprise. */
typedef struct whk_audit_report_t {
    const char *enterprise_id;
    apr_int64_t events; /**< how many link up */
    char head[65];      /**< hash of the newest; "" where there is none: worth keeping elsewhere */
    apr_int64_t broken_id;        /**< id of the first event that is wrong; 0: none */
    const char *flaw;             /**< what is wrong with it; NULL: nothing */
    apr_array_header_t *findings; /**< `whk_audit_finding_t`: that event, and all else */
    apr_int64_t more;             /**< how many there are beside these */
} whk_audit_report_t;

/**
 * Walk an enterprise's chain from its first event, look at every seal, and hold each key's row to
 * what the events say of it: registered with that thumbprint, by whom and when, revoked or not.
 * httpd may go on writing meanwhile.
 */
const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report);

/** A report (`whk_audit_report_t *`) of each enterprise that has no row, though others name it:
 * what whk_audit_verify() can't be asked for. */
const whk_outcome_t *whk_audit_lost(whk_registry_t *registry, apr_array_header_t **reports);

/**
 * [T] whk_audit_verify() of an enterprise whose rows bear no seals yet, all of which are taken for
 * good: for the migration that gives them theirs, in whose transaction it is.
 */
const whk_outcome_t *whk_audit_verify_unsealed(whk_store_t *store, apr_pool_t *pool,
                                               const whk_enterprise_t *enterprise,
                                               whk_audit_report_t *report);

#endif
