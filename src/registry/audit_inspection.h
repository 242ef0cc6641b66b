/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * For audit_verify.c, audit_chain.c and audit_rows.c alone: the verification of one enterprise
 * while it runs.
 */

#include "registry/audit_report.h"
#include "registry/key_history.h"
#include "registry/registry.h"
#include "store/enterprises.h"

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
    apr_int64_t last_event; /**< id of the newest event that was read */
} whk_audit_inspection_t;

/** audit_chain.c: read all events; do they link up by number and hash (registry/audit_trail.h), and
 *  end as the enterprise's row says? */
const whk_outcome_t *whk_audit_chain_verify(whk_audit_inspection_t *inspection,
                                            apr_pool_t *scratch);

/** audit_chain.c: read what was appended since, for what it says of keys. */
const whk_outcome_t *whk_audit_chain_read_newer(whk_audit_inspection_t *inspection);

/** audit_rows.c: the rows of keys, of used material and of admins, their seals, and whether they
 * say what the events do. After the chain: what is written meanwhile is in the rows then, and never
 * the other way. */
const whk_outcome_t *whk_audit_rows_verify(whk_audit_inspection_t *inspection, apr_pool_t *scratch);
