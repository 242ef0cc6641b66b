/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** One signature, one key, one algorithm (RFC 7518 section 3, RFC 8037, RFC 8812). */

#include <apr_pools.h>

#include "jose/jwk.h"

/** Bytes that are signed one after another, without copying them together. */
typedef struct whk_bytes_t {
    const void *bytes;
    apr_size_t length;
} whk_bytes_t;

/** Verify. ECDSA signatures are r || s of fixed length (RFC 7518 section 3.4), both in [1, n-1];
 * Ed25519's S is below L and its R not of small order. Safe for any number of threads. What
 * OpenSSL sets up for an algorithm is kept with the key from its first use on.
 * @param algorithm one bit, which must be one of the key's
 * @param parts     what was signed; an EdDSA key needs it whole, so parts are joined for it in
 * `pool`
 * @return 1: good; 0: not, or it could not be decided */
int whk_signature_verify(const whk_jwk_t *jwk, whk_algorithm_t algorithm, const whk_bytes_t *parts,
                         int count, const unsigned char *signature, apr_size_t length,
                         apr_pool_t *pool);

/** NULL where a signature is as long as those of this key and algorithm are, else what to say of
 * it. */
const char *whk_signature_wrong_length(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                       apr_size_t length, apr_pool_t *pool);

/** What tells a signature from every other, for messages that have no name of their own: `sig:` and
 * its first half, in base64url. The whole would not do: of an ECDSA signature (r, s) anybody makes
 * (r, n-s), which is as good. */
const char *whk_signature_replay_id(const unsigned char *signature, apr_size_t length,
                                    apr_pool_t *pool);

/** whk_signature_verify() for what was signed in pieces that need not be in memory at once: init,
 * update with every piece in order, final, as OpenSSL's EVP_DigestVerify. Whatever goes wrong is
 * told by final alone. */
typedef struct whk_signature_verifier_t whk_signature_verifier_t;

/** @param algorithm as for whk_signature_verify()
 * @param total     bytes of all pieces: an EdDSA key gathers them */
whk_signature_verifier_t *whk_signature_verify_init(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                                    apr_size_t total, apr_pool_t *pool);

/** The bytes of a piece that is all there is are borrowed until final; others are not. */
void whk_signature_verify_update(whk_signature_verifier_t *verifier, const void *bytes,
                                 apr_size_t length);

/** @return as whk_signature_verify(). The verifier is used up. */
int whk_signature_verify_final(whk_signature_verifier_t *verifier, const unsigned char *signature,
                               apr_size_t length);
