/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_AUDIT_CHAIN_H
#define WHK_REGISTRY_AUDIT_CHAIN_H

/**
 * @file registry/audit_chain.h
 * For audit_verify.c: the events of an enterprise, whether they link up by number and hash
 * (registry/audit_trail.h), and what they say of its keys.
 */

#include "registry/audit_inspection.h"

/** Read all events, and hold them to the count and the newest hash of the enterprise's row. */
const whk_outcome_t *whk_audit_chain_verify(whk_audit_inspection_t *inspection,
                                            apr_pool_t *scratch);

/** Read what was appended since, for what it says of keys. */
const whk_outcome_t *whk_audit_chain_read_newer(whk_audit_inspection_t *inspection);

#endif
