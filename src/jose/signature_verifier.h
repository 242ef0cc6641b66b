/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * whk_signature_verify() for what was signed in pieces that need not be in memory at once: init,
 * update with every piece in order, final, as OpenSSL's EVP_DigestVerify. Whatever goes wrong is
 * told by final alone.
 */

#include <apr_pools.h>

#include "jose/jwk.h"

typedef struct whk_signature_verifier_t whk_signature_verifier_t;

/**
 * @param algorithm as for whk_signature_verify()
 * @param total     bytes of all pieces: an EdDSA key gathers them
 */
whk_signature_verifier_t *whk_signature_verify_init(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                                    apr_size_t total, apr_pool_t *pool);

/** The bytes of a piece that is all there is are borrowed until final; others are not. */
void whk_signature_verify_update(whk_signature_verifier_t *verifier, const void *bytes,
                                 apr_size_t length);

/** @return as whk_signature_verify(). The verifier is used up. */
int whk_signature_verify_final(whk_signature_verifier_t *verifier, const unsigned char *signature,
                               apr_size_t length);
