/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/signature.h"

#include <string.h>

#include <apr_strings.h>

#include "jose/base64url.h"
#include "jose/signature_encoding.h"
#include "jose/signature_verifier.h"

int whk_signature_verify(const whk_jwk_t *jwk, whk_algorithm_t algorithm, const whk_bytes_t *parts,
                         int count, const unsigned char *signature, apr_size_t length,
                         apr_pool_t *pool)
{
    whk_signature_verifier_t *verifier;
    apr_size_t total = 0;
    int i;

    for (i = 0; i < count; i++)
        total += parts[i].length;
    verifier = whk_signature_verify_init(jwk, algorithm, total, pool);
    for (i = 0; i < count; i++)
        whk_signature_verify_update(verifier, parts[i].bytes, parts[i].length);
    return whk_signature_verify_final(verifier, signature, length);
}

const char *whk_signature_wrong_length(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                       apr_size_t length, apr_pool_t *pool)
{
    apr_size_t right = whk_signature_encoding_length(algorithm, EVP_PKEY_get_size(jwk->pkey));

    if (length == right)
        return NULL;
    return apr_psprintf(pool, "a signature by %s with this key has %d bytes%s, and this one has %d",
                        whk_algorithms_names(pool, algorithm), (int)right,
                        strcmp(jwk->family, "ECDSA") == 0 ? ", r and s, not DER" : "", (int)length);
}

const char *whk_signature_replay_id(const unsigned char *signature, apr_size_t length,
                                    apr_pool_t *pool)
{
    return apr_pstrcat(pool, "sig:", whk_base64url_encode(pool, signature, (length + 1) / 2), NULL);
}
