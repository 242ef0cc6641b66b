/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `Idempotency-Key` of a registration: whoever got an answer under it before, and lost it, needs
 * no other one-time password to get it again (registry/idempotency.h). */

#include <httpd.h>

#include "model/outcome.h"

/** Where the caller is authorised and before a one-time password is asked for: look for an earlier
 * answer.
 * @return OK where there is one, DECLINED where there is none, or the status of an error */
int whk_idempotency_hook_find(request_rec *r);

/** invalid_request: the header field holds no such key. */
const whk_outcome_t *whk_idempotency_hook_bad_key(apr_pool_t *pool);
