/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Enterprises that follow a key set (registry/followed_set.h), and of which somebody signed with a
 * key that is not known: their sets are worth a look before their time. Noting that touches no
 * store; a background task asks for the fetch, at most once a minute and set in the whole fleet,
 * whatever kids come. Any thread may call. */

#include "store/store.h"

/** A process notes an enterprise no more often, and a set is fetched so no more often. */
#define WHK_WANTED_EVERY apr_time_from_sec(60)

typedef struct whk_wanted_sets_t whk_wanted_sets_t;

/** Ends with `pool`. NULL: out of memory. */
whk_wanted_sets_t *whk_wanted_sets_create(apr_pool_t *pool);

/** Note an enterprise. Of those that wait there is a most; then it is not noted. */
void whk_wanted_sets_add(whk_wanted_sets_t *wanted, const char *enterprise_id);

/** Have the sets of those that were noted fetched by whoever refreshes sets. What can't be asked
 * for is forgotten: the next kid that is not known notes it again. `pool` is for the while. */
const whk_outcome_t *whk_wanted_sets_ask(whk_wanted_sets_t *wanted, whk_store_t *store,
                                         apr_pool_t *pool);
