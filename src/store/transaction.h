/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Several reads and writes that happen together or not at all. */

#include "store/store.h"

/** The work of a transaction. May be run several times, where a try met a connection that had to be
 * renewed, or a transaction that was in its way: it must start from scratch each time. Returning an
 * outcome rolls back, and so does any statement that failed, whatever is returned. */
typedef const whk_outcome_t *(*whk_transaction_fn)(whk_store_t *store, void *baton,
                                                   apr_pool_t *pool);

/** NULL only after a durable commit. What was in the way of others is tried again for some seconds.
 * Where a commit was sent and its answer never came, its last event is looked for on another
 * connection; where that cannot be had either, the answer is store_unavailable, and it may have
 * happened. */
const whk_outcome_t *whk_store_transaction(whk_store_t *store, apr_pool_t *pool,
                                           whk_transaction_fn work, void *baton);
