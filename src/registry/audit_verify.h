/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * Are the rows of an enterprise what this module wrote, and do they say what its events do?
 */

#include "registry/audit_report.h"
#include "registry/registry.h"
#include "store/enterprises.h"

/**
 * Walk an enterprise's chain from its first event, look at every seal, and hold each key's row to
 * what the events say of it: registered with that thumbprint, by whom and when, revoked or not.
 * httpd may go on writing meanwhile.
 */
const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report);

/**
 * [T] whk_audit_verify() of an enterprise whose rows bear no seals yet, all of which are taken for
 * good: for the migration that gives them theirs, in whose transaction it is.
 */
const whk_outcome_t *whk_audit_verify_unsealed(whk_store_t *store, apr_pool_t *pool,
                                               const whk_enterprise_t *enterprise,
                                               whk_audit_report_t *report);
