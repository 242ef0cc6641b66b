/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A time at which a key is revoked by itself. It is in the key's row, so whoever has read that
 * needs nobody to do anything: from then on the key is revoked (whk_key_is_due()). What the row and
 * the audit trail say of it follows: registry/due_revocations.h. */

#include "registry/registry.h"

typedef struct whk_planned_t {
    whk_key_t *key;
    apr_array_header_t *warnings; /**< registry/key_warnings.h */
} whk_planned_t;

/** Read the body of a request that plans one: `{"revokesDate":"…"}`. @return NULL or a 400 */
const whk_outcome_t *whk_plan_read(const char *body, apr_size_t length, apr_time_t *when,
                                   apr_pool_t *pool);

/** Plan, or move what is planned. To plan what is planned already changes nothing.
 * @param caller must be complete
 * @param when   of whk_revokes_date_read()
 * @return NULL after the commit; key_not_found, key_already_revoked, also where the time that was
 * planned has come, or invalid_request where `when` has come meanwhile */
const whk_outcome_t *whk_plan_revocation(whk_registry_t *registry, const whk_caller_t *caller,
                                         const char *key_id, apr_time_t when,
                                         whk_planned_t *planned);

/** Cancel what is planned. Where nothing is, nothing changes. @return as of whk_plan_revocation()
 */
const whk_outcome_t *whk_cancel_revocation(whk_registry_t *registry, const whk_caller_t *caller,
                                           const char *key_id, whk_key_t **key);
