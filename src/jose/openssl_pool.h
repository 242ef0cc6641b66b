/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** OpenSSL's objects, freed with a pool. Each takes the object over and returns it; NULL is taken
 * too. */

#include <apr_pools.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

EVP_PKEY *whk_pool_adopt_pkey(apr_pool_t *pool, EVP_PKEY *pkey);
EVP_PKEY_CTX *whk_pool_adopt_pkey_context(apr_pool_t *pool, EVP_PKEY_CTX *context);
EVP_MD_CTX *whk_pool_adopt_digest_context(apr_pool_t *pool, EVP_MD_CTX *context);
BN_CTX *whk_pool_adopt_bignum_context(apr_pool_t *pool, BN_CTX *context);
BIGNUM *whk_pool_adopt_bignum(apr_pool_t *pool, BIGNUM *number);
X509 *whk_pool_adopt_certificate(apr_pool_t *pool, X509 *certificate);
