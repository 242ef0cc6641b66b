/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For signature.c and its callers in this folder: is a signature of the one form that its
 * algorithm has, before anything is computed with it? */

#include <apr_pools.h>

#include "jose/algorithm.h"

/** Bytes of the longest DER form: ES512. */
#define WHK_ECDSA_DER_MAX 144

/** How long a signature of this algorithm is.
 * @param pkey_size EVP_PKEY_get_size() of the key: for RSA it is that of the modulus */
apr_size_t whk_signature_encoding_length(whk_algorithm_t algorithm, int pkey_size);

/** From r || s (RFC 7518, section 3.4) to the DER that OpenSSL reads.
 * @return bytes written to `der`, or 0 where the length is wrong or r or s is not in [1, n-1] */
apr_size_t whk_signature_encoding_der(whk_algorithm_t algorithm, const unsigned char *signature,
                                      apr_size_t length, unsigned char der[WHK_ECDSA_DER_MAX]);

/** From the DER that OpenSSL makes to r || s.
 * @param signature room for whk_signature_encoding_length()
 * @return bytes written, or 0 where it is not a signature of this algorithm */
apr_size_t whk_signature_encoding_fixed(whk_algorithm_t algorithm, const unsigned char *der,
                                        apr_size_t length, unsigned char *signature);

/** Is R of an EdDSA signature a point of small order, in any of its spellings? No signer makes one,
 * and implementations differ in what they verify then.
 * @param signature of the length that the algorithm has */
int whk_signature_has_small_order_r(whk_algorithm_t algorithm, const unsigned char *signature);
