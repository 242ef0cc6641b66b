/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of signatures sign, and how they verify it. */

#pragma once

#include "jose/signature.h"
#include "signing_fixture.h"

#define TEXT "what was signed"

static inline int verify_bytes(const signer_t *signer, whk_algorithm_t algorithm, const void *bytes,
                               apr_size_t length, const signed_t *made)
{
    whk_bytes_t part = {bytes, length};
    int good =
        whk_signature_verify(signer->jwk, algorithm, &part, 1, made->bytes, made->length, pool);

    assert_int_equal(ERR_peek_error(), 0);
    return good;
}

static inline int verify_text(const signer_t *signer, whk_algorithm_t algorithm,
                              const signed_t *made)
{
    return verify_bytes(signer, algorithm, TEXT, strlen(TEXT), made);
}

static inline signed_t sign_text(const signer_t *signer, whk_algorithm_t algorithm)
{
    return sign(signer, algorithm, TEXT, strlen(TEXT));
}
