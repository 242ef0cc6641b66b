/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which enterprises' keys changed: what each process polls (registry/change_poll.h). */

#include "store/store.h"

/** An enterprise whose keys changed. */
typedef struct whk_change_t {
    const char *enterprise_id;
    apr_int64_t revision;
    apr_int64_t number; /**< grows with each change of any enterprise */
} whk_change_t;

/** What changed after a number, oldest first: an array of `whk_change_t *`. -1: every enterprise.
 */
const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool, apr_int64_t after,
                                           apr_array_header_t **changes);
