/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The one key that counts of a JWK Set (RFC 7517, section 5). */

#include <apr_tables.h>

#include "jose/jwk.h"

/** Members of a JWK Set beyond which it is refused unread. */
#define WHK_JWK_SET_MAX 100

/** The one JWK of a JWK Set that must hold exactly one: for inline registration.
 * @param place where the set stands: `jwks`
 * @return as whk_jwk_parse(); a set that is no object, has no `keys` array, or not exactly one
 *         member is invalid_jwks */
const whk_outcome_t *whk_jwk_set_only(const whk_jwk_t **jwk, const json_t *set, const char *place,
                                      whk_algorithms_t enabled, apr_pool_t *pool);

/** The one JWK with this `kid` in a set of at most WHK_JWK_SET_MAX: for a set fetched by URI. The
 * other members are not looked at, however broken. Messages name the place in the set but
 * never repeat bytes of it.
 * @return as whk_jwk_parse(); none or several with that kid is jwks_uri_no_such_key */
const whk_outcome_t *whk_jwk_set_find(const whk_jwk_t **jwk, const json_t *set, const char *kid,
                                      whk_algorithms_t enabled, apr_pool_t *pool);

/** The same for a key that was checked before, as the refresh of a set does again and again: where
 * it still is that one, what is slow to check (some 0.15 s for RSA of 8,192 bits) is not checked
 * anew.
 * @param thumbprint of the key that was found good */
const whk_outcome_t *whk_jwk_set_find_known(const whk_jwk_t **jwk, const json_t *set,
                                            const char *kid, const char *thumbprint,
                                            whk_algorithms_t enabled, apr_pool_t *pool);

/** The kids by which whk_jwk_set_find() could find a member of such a set: those that are good
 * keyIds, and that one member alone has.
 * @param kids set to an array of `const char *`
 * @param all  set to whether each member has one
 * @return as whk_jwk_set_find(), but for what it says of one member */
const whk_outcome_t *whk_jwk_set_kids(const json_t *set, apr_array_header_t **kids, int *all,
                                      apr_pool_t *pool);
