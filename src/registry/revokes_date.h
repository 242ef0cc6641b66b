/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The time at which a key is to be revoked by itself, as somebody gives it: RFC 3339 with an
 * offset, in the future, and at most ten years ahead. */

#include <apr_pools.h>
#include <apr_time.h>

#include "model/outcome.h"

/** Read one. @param name what it is called where it was given, `revokesDate`
 * @return NULL, or an invalid_request that says what would be right */
const whk_outcome_t *whk_revokes_date_read(const char *name, const char *text, apr_time_t *when,
                                           apr_pool_t *pool);

/** Once more at `now`, where something was waited for: it may have come meanwhile. */
const whk_outcome_t *whk_revokes_date_check(const char *name, apr_time_t when, apr_time_t now,
                                            apr_pool_t *pool);
