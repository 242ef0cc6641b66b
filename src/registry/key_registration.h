/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Registration of a key. */

#include "registry/registry.h"

/** Register a key. One by URI is fetched meanwhile: at most for the fetcher's timeout.
 * @param caller must be complete
 * @param body   the request's JSON text
 * @param key    set on success, after the commit
 * @param warnings set with it to those of registry/key_warnings.h; NULL: none
 * @return a 400, 409 or 5xx. A refusal is written to the audit trail before this returns. */
const whk_outcome_t *whk_register_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *body, apr_size_t length, whk_key_t **key,
                                      apr_array_header_t **warnings);

/** What registering this body would answer at this moment: each check is made, in the same order,
 * and nothing is changed. One by URI is fetched all the same.
 * @param caller need not be complete
 * @param key    set on success: without an id, and not created at any time
 * @return as whk_register_key(); no refusal is written down */
const whk_outcome_t *whk_validate_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *body, apr_size_t length, whk_key_t **key,
                                      apr_array_header_t **warnings);

/** Write down that a registration is refused for a body that could not be read: of another media
 * type, too long, or not whole.
 * @param caller must be complete
 * @return `outcome`, or a 5xx where it can't be written down */
const whk_outcome_t *whk_register_unread(whk_registry_t *registry, const whk_caller_t *caller,
                                         const whk_outcome_t *outcome);
