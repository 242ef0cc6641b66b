/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The `alg` of a JWS (RFC 7515, section 4.1.1) and the key that it is verified with. */

#include "jose/jwk.h"

/** The algorithm that a JOSE `alg` names for this key, compared with what fits the key and what is
 * on: never obeyed.
 * @return its bit, or 0 with `flaw` set to what would be right: "the JWS header says ES384, this
 * key is P-256: sign with ES256" */
whk_algorithms_t whk_jws_algorithm(const whk_jwk_t *jwk, const char *alg, whk_algorithms_t enabled,
                                   const char **flaw, apr_pool_t *pool);
