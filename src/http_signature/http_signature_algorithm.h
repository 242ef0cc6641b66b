/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The algorithm of an HTTP message signature (RFC 9421 sections 3.3 and 6.2). */

#include <apr_pools.h>

#include "jose/jwk.h"
#include "model/outcome.h"

/** The algorithm that a key verifies with.
 * @param alg what the signature claims, to be compared with the key; NULL: nothing, then it is the
 *            key's only one
 * @return NULL or algorithm_mismatch */
const whk_outcome_t *whk_http_signature_algorithm(whk_algorithm_t *algorithm, const whk_jwk_t *jwk,
                                                  const char *alg, whk_algorithms_t enabled,
                                                  apr_pool_t *pool);

/** The name that an algorithm is registered by; NULL: it has none. */
const char *whk_http_signature_algorithm_name(whk_algorithm_t algorithm);
