/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Rows whose enterprise is gone. */

#include "store/store.h"

/** Rows that name an enterprise which has no row of its own: no version leaves any behind. */
typedef struct whk_orphan_rows_t {
    const char *enterprise_id;
    const char *kind; /**< `admin`, `event`, `key` or `material` */
    apr_int64_t rows;
} whk_orphan_rows_t;

/** All of them at one moment: an array of `whk_orphan_rows_t *`. */
const whk_outcome_t *whk_store_orphan_list(whk_store_t *store, apr_pool_t *pool,
                                           apr_array_header_t **orphans);
