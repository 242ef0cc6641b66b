/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Registration of a key. */

#include <jansson.h>

#include "registry/registry.h"

/** Register a key. One by URI is fetched meanwhile: at most for the fetcher's timeout.
 * @param caller must be complete
 * @param idempotency_key under which the answer is remembered (registry/idempotency.h); NULL: it is
 *               not. Where somebody was faster under the same one, that answer is given.
 * @param body   the request's JSON text
 * @param answer set on success, after the commit: the key and its warnings, as JSON; freed with the
 *               registry's pool
 * @return a 400, 409, 422 or 5xx. A refusal is written to the audit trail before this returns. */
const whk_outcome_t *whk_register_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *idempotency_key, const char *body,
                                      apr_size_t length, json_t **answer);

/** What registering this body would answer at this moment: each check is made, in the same order,
 * and nothing is changed. One by URI is fetched all the same.
 * @param caller need not be complete
 * @param answer set on success: without an id, and not created at any time
 * @return as whk_register_key(); no refusal is written down */
const whk_outcome_t *whk_validate_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *body, apr_size_t length, json_t **answer);

/** Write down that a registration is refused for a body that could not be read: of another media
 * type, too long, or not whole.
 * @param caller must be complete
 * @return `outcome`, or a 5xx where it can't be written down */
const whk_outcome_t *whk_register_unread(whk_registry_t *registry, const whk_caller_t *caller,
                                         const whk_outcome_t *outcome);
