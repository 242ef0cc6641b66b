/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Queries of the operator's own, over tables that are not the registry's: in its database, by its
 * connections, as mod_authn_dbd's are. */

#include "store/store.h"

/** Run one.
 * @param query     with a `%s` for each of `arguments`, which are texts
 * @param rows      set to an array of `const apr_array_header_t *`, the `const char *` of a row's
 *                  columns; NULL is NULL */
const whk_outcome_t *whk_store_operator_query(whk_store_t *store, apr_pool_t *pool,
                                              const char *query, const void **arguments,
                                              apr_array_header_t **rows);
