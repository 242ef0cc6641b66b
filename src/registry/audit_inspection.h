/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_AUDIT_INSPECTION_H
#define WHK_REGISTRY_AUDIT_INSPECTION_H

/**
 * @file registry/audit_inspection.h
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

#endif
