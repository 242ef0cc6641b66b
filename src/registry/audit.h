#ifndef WHK_REGISTRY_AUDIT_H
#define WHK_REGISTRY_AUDIT_H

/**
 * @file registry/audit.h
 * The audit trail: per enterprise, numbered without a gap, chained by hash.
 *
 * hash(n) is the lower-case hex SHA-256 of, one after another: hash(n-1) ("" before the first),
 * enterprise, id, type, keyId, actor, at (milliseconds since 1970), remoteAddress, requestId,
 * detail. Each is written as a netstring (`5:hello,`), an absent one as `-,`. The enterprise's row
 * keeps count and newest hash, so a trail that lost its tail is noticed too.
 */

#include "registry/registry.h"

/** [T] Append an event to a locked enterprise and move its count and head; the caller of this then
 *  writes the enterprise back. Strings may be NULL, but not `type`, `actor`. */
const whk_outcome_t *whk_audit_append(whk_store_t *store, apr_pool_t *pool,
                                      whk_enterprise_t *enterprise, whk_event_type_t type,
                                      const char *key_id, const whk_caller_t *caller,
                                      const char *detail, apr_time_t when);

/** What `whkctl audit verify` found of one enterprise. */
typedef struct whk_audit_report_t {
    const char *enterprise_id;
    apr_int64_t events; /**< how many link up */
    char head[65];      /**< hash of the newest; "" where there is none: worth keeping elsewhere */
    apr_int64_t broken_id; /**< id of the first row that is wrong; 0: none */
    const char *flaw;      /**< what is wrong with it; NULL: nothing */
} whk_audit_report_t;

/** Walk an enterprise's chain from its first event. */
const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report);

#endif
