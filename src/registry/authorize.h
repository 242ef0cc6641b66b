/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What somebody may do: an admin of an enterprise reads; one whose one-time password was checked
 * writes. */

#include "registry/registry.h"

/** `caller` is set to an authorised caller; not_enterprise_admin where the user is no admin, has a
 * name that is ours (whk_user_flaw()), or there is no such enterprise. */
const whk_outcome_t *whk_authorize(whk_registry_t *registry, const char *user,
                                   const char *enterprise_id, const char *remote_address,
                                   const char *request_id, whk_caller_t **caller);

/** NULL for a completed caller, else an internal_error that tells the operator what is missing. */
const whk_outcome_t *whk_caller_check_complete(apr_pool_t *pool, const whk_caller_t *caller);
