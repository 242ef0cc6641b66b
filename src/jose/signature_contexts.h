/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What OpenSSL sets up to verify with a key: made at the first use of an algorithm, then kept with
 * the key and copied for each signature. Setting up costs a fetch of each algorithm, under locks
 * that all threads share; of an RS256 verification it would be a seventh. */

#include <openssl/evp.h>

#include "jose/algorithm.h"
#include "jose/jwk.h"

/**
 * The context of a key for one of its algorithms, after EVP_DigestVerifyInit(): to be copied, never
 * to be used itself.
 * @return NULL where OpenSSL can't make it */
const EVP_MD_CTX *whk_signature_context(const whk_jwk_t *jwk, whk_algorithm_t algorithm);

/** A context to sign with, after EVP_DigestSignInit(): to be copied for each signature.
 * @return the caller's; NULL where OpenSSL can't make it */
EVP_MD_CTX *whk_signature_signing_context(EVP_PKEY *pkey, whk_algorithm_t algorithm);
