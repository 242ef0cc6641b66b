/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Several reads and writes that happen together or not at all. */

#include "store/store.h"

/** The work of a transaction. May be run twice, where a first try met a connection that had to be
 * renewed: it must start from scratch each time. Returning an outcome rolls back, and so does any
 * statement that failed, whatever is returned. */
typedef const whk_outcome_t *(*whk_transaction_fn)(whk_store_t *store, void *baton,
                                                   apr_pool_t *pool);

/** NULL only after a durable commit. */
const whk_outcome_t *whk_store_transaction(whk_store_t *store, apr_pool_t *pool,
                                           whk_transaction_fn work, void *baton);
