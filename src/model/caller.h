/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Who asks, and how far they have proved it. Reading takes an authorised caller, registering and
 * revoking a completed one; the registry refuses any other, so a check that never ran closes the
 * door. `t/style` holds the list of files that may call the functions which make or complete one.
 */

#include <apr_pools.h>

typedef struct whk_caller_t whk_caller_t;

/** For the authorisation step alone: `user` was found to be an admin of `enterprise_id`.
 * `remote_address` and `request_id` go to the audit trail; each may be NULL. Strings are copied. */
whk_caller_t *whk_caller_authorized(apr_pool_t *pool, const char *user, const char *enterprise_id,
                                    const char *remote_address, const char *request_id);

/** For the OTP step alone: the caller's one-time password was good and is now used up. */
void whk_caller_complete(whk_caller_t *caller);

/** For whkctl alone: the operator of the machine, complete from the start; the actor of the audit
 * trail is `operator:<unix user>`. */
whk_caller_t *whk_caller_operator(apr_pool_t *pool, const char *unix_user,
                                  const char *enterprise_id);

/** The same for whkctl import, whose events have the requestId `import:` and `run`: one leads to
 * all of them, and nobody is told of any (registry/notifications.h). No request has such an id. */
whk_caller_t *whk_caller_import(apr_pool_t *pool, const char *unix_user, const char *enterprise_id,
                                const char *run);

/** Whether an event has such a requestId; NULL has not. */
int whk_caller_is_import(const char *request_id);

/** For the background refresh of key sets alone: writes to the audit trail as `background`, and is
 *  never complete. */
whk_caller_t *whk_caller_background(apr_pool_t *pool, const char *enterprise_id);

/** For planned revocations alone: writes to the audit trail as `schedule`, and is never complete.
 */
whk_caller_t *whk_caller_schedule(apr_pool_t *pool, const char *enterprise_id);

/** True once the OTP step has completed it. NULL is not complete. */
int whk_caller_is_complete(const whk_caller_t *caller);

const char *whk_caller_actor(const whk_caller_t *caller);
const char *whk_caller_enterprise(const whk_caller_t *caller);
const char *whk_caller_remote_address(const whk_caller_t *caller);
const char *whk_caller_request_id(const whk_caller_t *caller);
