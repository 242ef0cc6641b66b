/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The rows of the audit trail. */

#include "model/event.h"
#include "store/store.h"

/** [T] Insert an event as it is, its id, hash and seal included. */
const whk_outcome_t *whk_store_event_insert(whk_store_t *store, apr_pool_t *pool,
                                            const whk_event_t *event);

/** A page of an enterprise's events, newest first: an array of `whk_event_t *`. */
const whk_outcome_t *whk_store_event_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, int limit, apr_int64_t offset,
                                          apr_array_header_t **events, apr_int64_t *total);

/** Up to `limit` events with an id greater than `after`, oldest first: for walking the chain. */
const whk_outcome_t *whk_store_event_walk(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_int64_t after, int limit,
                                          apr_array_header_t **events);

/** [T] Put `seal` in the place of the one that the row was read with, as a seal under another key.
 * `done` is 0, and nothing changed, where the row was changed since. */
const whk_outcome_t *whk_store_event_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_event_t *event, const char *seal, int *done);
