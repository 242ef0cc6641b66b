/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What a database's schema has otherwise than the migrations leave it. */

#include "store/store.h"

/** A table, view, index or trigger that is not as the migrations leave it. */
typedef struct whk_schema_flaw_t {
    const char *type; /**< `table` and so on: of ours what it should be */
    const char *name;
    const char *flaw;
} whk_schema_flaw_t;

/** Hold what the database says of its schema to a fresh one's: an array of `whk_schema_flaw_t *`. A
 * trigger that is not ours is one where it is about a table of ours; other things that are not
 * ours, indexes among them, change nothing that is read or written. */
const whk_outcome_t *whk_store_schema_flaws(whk_store_t *store, apr_pool_t *pool,
                                            apr_array_header_t **flaws);
