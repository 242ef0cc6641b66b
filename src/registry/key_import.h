/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Keys that customers used before they came here, registered by the operator: many at a time, and
 * again where that was interrupted. The rules of a registration hold, but for WebhookKeysMaxActive
 * and WebhookKeysAlgorithms, which are what customers may do. Each has its events in the audit
 * trail; nobody is told of them (WebhookKeysNotify; model/caller.h). */

#include "jose/jwk.h"
#include "registry/registry.h"

typedef enum {
    WHK_IMPORT_DONE,
    WHK_IMPORT_THERE, /**< it was there before, and is as it would be now */
    WHK_IMPORT_REFUSED
} whk_import_result_t;

/** A key to import. What it says may be so in one of three ways: a key, ACTIVE or REVOKED, whose
 * material is `jwk`; a set that is followed, with a jwks_uri alone; a keyId that is used up,
 * REVOKED and without either. A key that has a jwks_uri is good once httpd has found it there. */
typedef struct whk_key_import_t {
    const whk_caller_t *caller; /**< of the enterprise; complete */
    const char *key_id;
    const char *key_name; /**< NULL: as the keyId */
    const char *jwks_uri; /**< NULL: none */
    const whk_jwk_t *jwk; /**< NULL: it has no material */
    apr_time_t revokes;   /**< 0: nothing is planned */
    int is_revoked;
    whk_import_result_t result;   /**< set */
    const whk_outcome_t *refusal; /**< set where it is refused */
} whk_key_import_t;

/** Import, in one transaction.
 * @param imports `whk_key_import_t *`; their results are set
 * @param makes_enterprises those that are missing are made, called as their id
 * @return NULL, or why nothing at all was done */
const whk_outcome_t *whk_import_keys(whk_registry_t *registry, const apr_array_header_t *imports,
                                     int makes_enterprises);

/** What that would do now, without a change; `imports` are taken one by one, so what would be in
 * each other's way is not found. */
const whk_outcome_t *whk_import_try(whk_registry_t *registry, const apr_array_header_t *imports,
                                    int makes_enterprises);
