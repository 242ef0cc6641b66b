/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Registered keys.
 *
 * A key's row that holds what this version can't have written is an internal_error where it is
 * asked for alone. In a list it is `corrupt`, and REVOKED. */

#include "model/key.h"
#include "store/store.h"

/** [T] Insert a key. `inserted` is 0 where its keyId or its number is there already, or its
 * material was used. */
const whk_outcome_t *whk_store_key_insert(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *inserted);

/** [T] ACTIVE to REVOKED, with revoked, revoked_by, revokes and seal of `key`. `revoked` is 0 where
 * there is no such ACTIVE key. */
const whk_outcome_t *whk_store_key_revoke(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *revoked);

/** [T] Write revokes and seal of an ACTIVE key. `planned` is 0 where it is none. */
const whk_outcome_t *whk_store_key_plan(whk_store_t *store, apr_pool_t *pool, const whk_key_t *key,
                                        int *planned);

/** `key` is set to NULL where there is none. */
const whk_outcome_t *whk_store_key_get(whk_store_t *store, apr_pool_t *pool,
                                       const char *enterprise_id, const char *key_id,
                                       whk_key_t **key);

/** The key of an enterprise with this thumbprint, or NULL. */
const whk_outcome_t *whk_store_key_by_thumbprint(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *thumbprint,
                                                 whk_key_t **key);

/** A page of an enterprise's keys, oldest first (order of insertion). It costs the same wherever it
 * begins, however many keys there are. An internal_error where one of them is missing. Rows are as
 * they are: those of keys that are due (model/key.h) may say ACTIVE.
 * @param status NULL for both, else a whk_key_status_name(), which keys have at `now`
 * @param keys   set to an array of `whk_key_t *`
 * @param total  set to how many match the filter */
const whk_outcome_t *whk_store_key_list(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *status,
                                        apr_time_t now, int limit, apr_int64_t offset,
                                        apr_array_header_t **keys, apr_int64_t *total);

/** The numbers of keys whose rows say ACTIVE, least first: an array of `apr_int64_t *`. */
const whk_outcome_t *whk_store_key_active_numbers(whk_store_t *store, apr_pool_t *pool,
                                                  const char *enterprise_id,
                                                  apr_array_header_t **numbers);

/** ... of those among them that are due at `now`. */
const whk_outcome_t *whk_store_key_due_numbers(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_time_t now,
                                               apr_array_header_t **numbers);

/** Up to `limit` keys, of all enterprises, whose rows say ACTIVE and whose planned time is beyond
 * `after` and has come at `now`, by that time. */
const whk_outcome_t *whk_store_key_list_due(whk_store_t *store, apr_pool_t *pool, apr_time_t after,
                                            apr_time_t now, int limit, apr_array_header_t **keys);

/** Up to `limit` of an enterprise's, oldest first. */
const whk_outcome_t *whk_store_key_list_due_of(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_time_t now, int limit,
                                               apr_array_header_t **keys);

/** Up to `limit` keys with a keyId beyond `after`, by keyId: for walking through all of them. */
const whk_outcome_t *whk_store_key_walk(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *after, int limit,
                                        apr_array_header_t **keys);

/** An enterprise's keys whose rows say ACTIVE, oldest first: an array of `whk_key_t *`. */
const whk_outcome_t *whk_store_key_list_active(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id,
                                               apr_array_header_t **keys);

/** The `most` of its REVOKED keys that were registered last. */
const whk_outcome_t *whk_store_key_list_revoked(whk_store_t *store, apr_pool_t *pool,
                                                const char *enterprise_id, int most,
                                                apr_array_header_t **keys);

/** The keys of a set whose rows say ACTIVE, of all enterprises: an array of `whk_key_t *`. */
const whk_outcome_t *whk_store_key_list_by_uri(whk_store_t *store, apr_pool_t *pool,
                                               const char *uri, apr_array_header_t **keys);

/** [T] Move lastUsedDate to `when`, where it is at least `step` before that, or more than that
 * after it: by a wrong clock. */
const whk_outcome_t *whk_store_key_set_last_used(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *key_id,
                                                 apr_time_t when, apr_interval_time_t step);

/** [T] Write `refused` of an ACTIVE key that stands for a set. */
const whk_outcome_t *whk_store_key_set_refused(whk_store_t *store, apr_pool_t *pool,
                                               const whk_key_t *key, const char *refused);

/** [T] Write remote_flaw, jwk, thumbprint, algorithm, gone and seal of an ACTIVE key. `updated` is
 * 0 where it is none. */
const whk_outcome_t *whk_store_key_update_remote(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_key_t *key, int *updated);

/** [T] Put `seal` in the place of the one that the row was read with, as a seal under another key.
 * `done` is 0, and nothing changed, where the row was changed since. */
const whk_outcome_t *whk_store_key_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, const char *seal, int *done);
