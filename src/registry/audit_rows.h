/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_AUDIT_ROWS_H
#define WHK_REGISTRY_AUDIT_ROWS_H

/**
 * @file registry/audit_rows.h
 * For audit_verify.c: the rows of keys, of used material and of admins, their seals, and whether
 * they say what the events do.
 */

#include "registry/audit_inspection.h"

/** After whk_audit_chain_verify(): what is written meanwhile is in the rows then, and never the
 * other way. */
const whk_outcome_t *whk_audit_rows_verify(whk_audit_inspection_t *inspection, apr_pool_t *scratch);

#endif
