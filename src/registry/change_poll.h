/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Asks the store which enterprises changed, for the directory of a process. A background task does
 * so several times per lag, which is how a change on another node arrives; a request does where
 * that is too late for it.
 *
 * A poll asks for the change that it saw last, too: where that is no longer there as it was, the
 * registry was restored from a backup, and all that was known is forgotten and read anew. */

#include "registry/enterprise_directory.h"
#include "store/store.h"

typedef struct whk_change_poll_t whk_change_poll_t;

/** @param directory borrowed, as `counters` is
 * @param restored  called where the registry is not what it was, once a node; by whoever finds it,
 *                  with no lock held but that of polls. May be NULL
 * @return NULL: out of memory */
whk_change_poll_t *whk_change_poll_create(whk_enterprise_directory_t *directory,
                                          whk_shared_counters_t *counters,
                                          void (*restored)(void *baton), void *baton,
                                          apr_pool_t *pool);

/** Poll now. `pool` is for the while. */
const whk_outcome_t *whk_change_poll(whk_change_poll_t *poll, whk_store_t *store, apr_pool_t *pool);

/** Poll for a request whose lookup is not fresh, one thread at a time. Who waited for a poll that
 * began after it came takes its result.
 * @param must_be_fresh stale is not good enough: wait for whoever polls
 * @param found         set to what there is now
 * @return NULL where that is WHK_FRESH or WHK_STALE; else a 5xx */
const whk_outcome_t *whk_change_poll_for_request(whk_change_poll_t *poll, whk_store_t *store,
                                                 const whk_arrival_t *arrival, int must_be_fresh,
                                                 whk_directory_lookup_t *found, apr_pool_t *pool);

/** store_unavailable: what is known is too old, and the store can't be asked. */
const whk_outcome_t *whk_change_poll_unavailable(apr_pool_t *pool);
