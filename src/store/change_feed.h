/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_STORE_CHANGE_FEED_H
#define WHK_STORE_CHANGE_FEED_H

/**
 * @file store/change_feed.h
 * Which enterprises' keys changed: what each keyring polls.
 */

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

#endif
