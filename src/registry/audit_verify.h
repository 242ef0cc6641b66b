/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Are the rows of an enterprise what this module wrote, and do they say what its events do? */

#include <apr_tables.h>

#include "registry/key_history.h"
#include "registry/registry.h"
#include "store/enterprises.h"

/** A row that is not as this module wrote it, or does not say what the events do. */
typedef struct whk_audit_finding_t {
    const char *kind; /**< `event`, `key`, `number`, `admin`, `material` or `enterprise` */
    const char *name; /**< id of the event, keyId, a key's number, user, thumbprint or enterprise */
    const char *flaw;
} whk_audit_finding_t;

/** Findings of a kind in an enterprise beyond which they are only counted. */
#define WHK_AUDIT_FINDINGS_MOST 100

/** What was found of one enterprise. */
typedef struct whk_audit_report_t {
    const char *enterprise_id;
    apr_int64_t events; /**< how many link up */
    char head[65];      /**< hash of the newest; "" where there is none: worth keeping elsewhere */
    apr_int64_t broken_id;        /**< id of the first event that is wrong; 0: none */
    const char *flaw;             /**< what is wrong with it; NULL: nothing */
    apr_array_header_t *findings; /**< `whk_audit_finding_t`: that event, and all else */
    apr_int64_t more;             /**< how many there are beside these */
} whk_audit_report_t;

void whk_audit_report_init(whk_audit_report_t *report, const char *enterprise_id, apr_pool_t *pool);

/** Add a finding, or count it where there are WHK_AUDIT_FINDINGS_MOST of its kind. `kind` and
 * `flaw` are borrowed. */
void whk_audit_report_add(whk_audit_report_t *report, const char *kind, const char *name,
                          const char *flaw, apr_pool_t *pool);

/** Walk an enterprise's chain from its first event, look at every seal, and hold each key's row to
 * what the events say of it: registered with that thumbprint, by whom and when, revoked or not.
 * httpd may go on writing meanwhile. */
const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report);

/** [T] whk_audit_verify() of an enterprise whose rows bear no seals yet, all of which are taken for
 * good: for the migration that gives them theirs, in whose transaction it is. */
const whk_outcome_t *whk_audit_verify_unsealed(whk_store_t *store, apr_pool_t *pool,
                                               const whk_enterprise_t *enterprise,
                                               whk_audit_report_t *report);

/* ---- for audit_verify_*.c: a verification while it runs ---- */

/** Rows read at a time. */
#define WHK_AUDIT_BATCH 500

typedef struct whk_audit_inspection_t {
    whk_store_t *store;
    apr_pool_t *pool;
    const whk_secret_key_t *secret;
    int unsealed; /**< rows have no seals yet, and nobody else writes */
    const whk_enterprise_t *enterprise;
    whk_audit_report_t *report;
    whk_key_histories_t *histories;
    apr_int64_t last_event;      /**< id of the newest event that was read */
    apr_array_header_t *numbers; /**< whk_audit_numbers_create() */
} whk_audit_inspection_t;

/** audit_verify_chain.c: read all events; do they link up by number and hash
 * (registry/audit_trail.h), and end as the enterprise's row says? */
const whk_outcome_t *whk_audit_chain_verify(whk_audit_inspection_t *inspection,
                                            apr_pool_t *scratch);

/** audit_verify_chain.c: read what was appended since, for what it says of keys. */
const whk_outcome_t *whk_audit_chain_read_newer(whk_audit_inspection_t *inspection);

/** audit_verify_rows.c: the rows of keys, of used material and of admins, their seals, and whether
 * they say what the events do. After the chain: what is written meanwhile is in the rows then, and
 * never the other way. */
const whk_outcome_t *whk_audit_rows_verify(whk_audit_inspection_t *inspection, apr_pool_t *scratch);

/** audit_verify_numbers.c: the numbers of keys that were met. */
apr_array_header_t *whk_audit_numbers_create(apr_pool_t *pool);

/** Add one, of the key of this keyId (borrowed). */
void whk_audit_number_add(whk_audit_inspection_t *inspection, apr_int64_t number,
                          const char *key_id);

/** When all keys were met: are their numbers 1, 2, 3 … without a gap, and does the enterprise's row
 * count keys and ACTIVE keys as they are? */
const whk_outcome_t *whk_audit_numbers_verify(whk_audit_inspection_t *inspection);
