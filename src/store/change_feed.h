/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which enterprises' keys changed: what each node polls (registry/change_poll.h), a page at a
 * time. */

#include "store/store.h"

/** The most changes of a page. */
#define WHK_CHANGES_MOST 4096

/** An enterprise whose keys changed. */
typedef struct whk_change_t {
    const char *enterprise_id;
    apr_int64_t revision; /**< grows with each change of the enterprise */
    apr_int64_t number;   /**< of the change, from 1: another one for each */
} whk_change_t;

/** What is to be listed: changes by number and, of the same number, by enterprise. */
typedef struct whk_change_query_t {
    apr_int64_t number;        /**< those from this one on */
    const char *enterprise_id; /**< of this number only those of enterprises behind this one */
    const char *again;         /**< an enterprise that is listed in any case; "": none */
} whk_change_query_t;

typedef struct whk_change_page_t {
    apr_array_header_t *changes; /**< `whk_change_t *`, in their order */
    const whk_change_t *again;   /**< of the enterprise that is listed in any case; NULL: there is
                                      none, or it never changed */
    int more;                    /**< there may be others behind the last one */
    /** Whoever reads all from `number` on, of which this is the first page, has seen what had this
     * number or a lower one: next time the numbers above it are enough. -1: nothing was listed. */
    apr_int64_t mark;
} whk_change_page_t;

/**
 * What was committed and not seen before, or some of it again; nothing is ever left out, in
 * whatever order transactions end (docs/architecture.md, "Databases"). */
const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool,
                                           const whk_change_query_t *query,
                                           whk_change_page_t *page);
