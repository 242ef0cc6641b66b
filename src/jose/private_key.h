/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A private key that signs what goes out (RFC 7518 section 3, RFC 8037), by the one algorithm that
 * it has: Ed25519 by EdDSA, P-256, P-384 and P-521 by ES256, ES384 and ES512, RSA by RS256. */

#include <apr_pools.h>
#include <openssl/evp.h>

#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "jose/signature.h"
#include "model/outcome.h"

typedef struct whk_private_key_t {
    const char *kid;
    whk_algorithm_t algorithm;
    const char *public_json; /**< its public half as whk_jwk_t has it, with its alg */
    const char *thumbprint;  /**< RFC 7638, SHA-256, base64url */
    EVP_PKEY *pkey;          /**< freed, and wiped by OpenSSL, with the pool */
    EVP_MD_CTX *context;     /**< set up for signing: to be copied, never to be used itself */
} whk_private_key_t;

/** Read one from PEM: PKCS#8, or the form that its kind of key has of old. Asks nobody for a
 * passphrase. The rules of a public key that is registered (whk_jwk_parse()) hold for its public
 * half.
 * @param kid  1 to 255 bytes; borrowed
 * @param text not wiped
 * @return NULL, or what would be right, as "must hold …", which repeats nothing of the text */
const char *whk_private_key_parse(const whk_private_key_t **key, const char *kid, const char *text,
                                  apr_size_t length, apr_pool_t *pool);

/** Sign. Safe for any number of threads, which share nothing but OpenSSL's count of references.
 * @param parts     what is signed; Ed25519 needs it whole, so parts are joined for it in `pool`
 * @param signature set to the bytes; ECDSA's are r || s of fixed length (RFC 7518 section 3.4)
 * @return NULL or internal_error */
const whk_outcome_t *whk_private_key_sign(const whk_private_key_t *key, const whk_bytes_t *parts,
                                          int count, whk_bytes_t *signature, apr_pool_t *pool);
