/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which enterprises' keys changed: what each process polls (registry/change_poll.h). */

#include "store/store.h"

/** An enterprise whose keys changed. */
typedef struct whk_change_t {
    const char *enterprise_id;
    apr_int64_t revision; /**< grows with each change of the enterprise */
    apr_int64_t number;   /**< of the change: another one for each */
} whk_change_t;

/** How far the changes were read. */
typedef struct whk_change_mark_t {
    apr_int64_t number;        /**< the dialect's own; -1: nothing was read */
    const char *enterprise_id; /**< one that is listed in any case; NULL: none */
} whk_change_mark_t;

/**
 * What was committed since a mark was read, in any order: an array of `whk_change_t *`. Some of it
 * may have been listed before; nothing is ever left out, in whatever order transactions end.
 * @param next set to what the next mark's number is */
const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool,
                                           const whk_change_mark_t *mark,
                                           apr_array_header_t **changes, apr_int64_t *next);
