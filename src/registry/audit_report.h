/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * What `whkctl audit verify` found of one enterprise.
 */

#include <apr_tables.h>

/** A row that is not as this module wrote it, or does not say what the events do. */
typedef struct whk_audit_finding_t {
    const char *kind; /**< `event`, `key`, `admin`, `material` or `enterprise` */
    const char *name; /**< id of the event, keyId, user, thumbprint or enterprise */
    const char *flaw;
} whk_audit_finding_t;

/** Findings of a kind in an enterprise beyond which they are only counted. */
#define WHK_AUDIT_FINDINGS_MOST 100

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
