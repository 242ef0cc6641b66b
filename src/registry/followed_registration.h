/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Registering a key that stands for a set: the steps of that which are its own
 * (registry/key_registration.h has the others). */

#include "registry/followed_set.h"

/** Fetch the set, and find what of it could be registered.
 * @param key_id  a whk_key_id_is_set()
 * @param members set to an array of `const whk_jwk_t *`, one at least
 * @param lifetime set to how long the answer is good
 * @return invalid_request where no set is to be followed, or by this name; jwks_uri_no_such_key;
 *         or as whk_remote_jwk_set_read() */
const whk_outcome_t *whk_followed_set_find(whk_registry_t *registry, const whk_caller_t *caller,
                                           const char *key_id, const char *uri,
                                           apr_array_header_t **members,
                                           apr_interval_time_t *lifetime);

/** [T] The first keys of a set that was inserted just now: all for which that is allowed, and one
 * at least, or its registration ends the transaction.
 * @return NULL, jwks_uri_no_such_key, active_key_limit, or a 5xx */
const whk_outcome_t *whk_followed_set_begin(whk_store_t *store, apr_pool_t *pool,
                                            const whk_insertion_t *insertion,
                                            const whk_caller_t *caller, const whk_key_t *parent,
                                            const apr_array_header_t *members);
