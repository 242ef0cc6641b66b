/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Going through all enterprises, however many there are. */

#include "store/enterprises.h"

/** What is done with one. `pool` is emptied behind it. */
typedef const whk_outcome_t *(*whk_enterprise_visit)(void *baton,
                                                     const whk_enterprise_t *enterprise,
                                                     apr_pool_t *pool);

/** Visit each enterprise, by id, until one fails. Memory is for some of them at a time. One that
 * is added meanwhile may be visited or not. */
const whk_outcome_t *whk_enterprise_walk(whk_store_t *store, apr_pool_t *pool,
                                         whk_enterprise_visit visit, void *baton);
