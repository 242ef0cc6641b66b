/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Rows whose enterprise has no row. */

#include "registry/audit_verify.h"
#include "registry/registry.h"

/** A report (`whk_audit_report_t *`) of each enterprise that has no row, though others name it:
 * what whk_audit_verify() can't be asked for. */
const whk_outcome_t *whk_audit_orphans(whk_registry_t *registry, apr_array_header_t **reports);
