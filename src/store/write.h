/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Private to the store: a write that needs no other beside it. */

#include "store/statement.h"

/** As whk_statement_write(); outside a transaction it is one of its own, and NULL is answered after
 * its durable commit. */
const whk_outcome_t *whk_write(whk_store_t *store, apr_pool_t *pool, whk_statement_t statement,
                               const void **arguments, int *rows);
