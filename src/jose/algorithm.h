/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The JWS algorithms that this module knows (RFC 7518, RFC 8037, RFC 8812, RFC 9864), as a set. */

#include <apr_pools.h>

/** One bit each; a whk_algorithms_t is a set of them. */
typedef enum {
    WHK_ALG_EDDSA = 1 << 0, /**< Ed25519; as `alg` spelled `EdDSA` or `Ed25519` */
    WHK_ALG_ED448 = 1 << 1, /**< Ed448; as `alg` spelled `EdDSA` or `Ed448` */
    WHK_ALG_ES256 = 1 << 2,
    WHK_ALG_ES384 = 1 << 3,
    WHK_ALG_ES512 = 1 << 4,
    WHK_ALG_ES256K = 1 << 5,
    WHK_ALG_RS256 = 1 << 6,
    WHK_ALG_RS384 = 1 << 7,
    WHK_ALG_RS512 = 1 << 8,
    WHK_ALG_PS256 = 1 << 9,
    WHK_ALG_PS384 = 1 << 10,
    WHK_ALG_PS512 = 1 << 11
} whk_algorithm_t;

typedef unsigned int whk_algorithms_t;

/** `EdDSA ES256 ES384 ES512`. */
#define WHK_ALGORITHMS_DEFAULT (WHK_ALG_EDDSA | WHK_ALG_ES256 | WHK_ALG_ES384 | WHK_ALG_ES512)

/** Every RSA algorithm. */
#define WHK_ALGORITHMS_RSA                                                                         \
    (WHK_ALG_RS256 | WHK_ALG_RS384 | WHK_ALG_RS512 | WHK_ALG_PS256 | WHK_ALG_PS384 | WHK_ALG_PS512)

/** The algorithm of a name in `WebhookKeysAlgorithms` (case counts). `Ed25519` is the same as
 * `EdDSA`.
 * @return its bit, or 0 for a name that is not known */
whk_algorithms_t whk_algorithm_by_name(const char *name);

/** The names of a set, separated by spaces, in the order above. */
const char *whk_algorithms_names(apr_pool_t *pool, whk_algorithms_t set);
