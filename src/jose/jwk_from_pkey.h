/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** From a key of OpenSSL's to the members of its JWK (RFC 7518 section 6, RFC 8037, RFC 8812). */

#include <jansson.h>
#include <openssl/evp.h>

#include "jose/algorithm.h"

/** The algorithms that fit this kind of key; 0: none of ours does. */
whk_algorithms_t whk_jwk_algorithms_of_pkey(EVP_PKEY *pkey);

/** `kty` and the members of its public half; a new reference, NULL where OpenSSL does not tell
 * them, or no algorithm fits. Not checked: that is whk_jwk_parse()'s. */
json_t *whk_jwk_from_pkey(EVP_PKEY *pkey, apr_pool_t *pool);
