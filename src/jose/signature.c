/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/signature.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <string.h>

#include "jose/base64url.h"
#include "jose/openssl_pool.h"
#include "jose/signature_contexts.h"
#include "jose/signature_encoding.h"

struct whk_signature_verifier_t {
    const whk_jwk_t *jwk;
    whk_algorithm_t algorithm;
    EVP_MD_CTX *context; /* NULL: it can't be decided */
    apr_pool_t *pool;
    apr_size_t total;
    apr_size_t length;          /* of what came */
    unsigned char *gathered;    /* NULL until a piece that is not the whole */
    const unsigned char *whole; /* of what is signed, for EdDSA */
};

static int is_eddsa(whk_algorithm_t algorithm)
{
    return (algorithm & (WHK_ALG_EDDSA | WHK_ALG_ED448)) != 0;
}

static int is_rsa(whk_algorithm_t algorithm)
{
    return (algorithm & WHK_ALGORITHMS_RSA) != 0;
}

static EVP_MD_CTX *copy_context(const whk_jwk_t *jwk, whk_algorithm_t algorithm, apr_pool_t *pool)
{
    const EVP_MD_CTX *cached;
    EVP_MD_CTX *context;

    if ((algorithm & (algorithm - 1)) != 0 || !(jwk->algorithms & algorithm))
        return NULL;
    cached = whk_signature_context(jwk, algorithm);
    context = cached ? whk_pool_adopt_digest_context(pool, EVP_MD_CTX_new()) : NULL;
    if (!context || EVP_MD_CTX_copy_ex(context, cached) != 1)
        return NULL;
    /* It is used once: spares OpenSSL a copy of its own before the end. */
    EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE);
    return context;
}

whk_signature_verifier_t *whk_signature_verify_init(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                                    apr_size_t total, apr_pool_t *pool)
{
    whk_signature_verifier_t *verifier = apr_pcalloc(pool, sizeof(*verifier));

    verifier->jwk = jwk;
    verifier->algorithm = algorithm;
    verifier->context = copy_context(jwk, algorithm, pool);
    verifier->pool = pool;
    verifier->total = total;
    verifier->whole = (const unsigned char *)"";
    return verifier;
}

static void gather(whk_signature_verifier_t *verifier, const void *bytes, apr_size_t length)
{
    if (length == verifier->total) {
        verifier->whole = bytes;
        return;
    }
    if (!verifier->gathered)
        verifier->whole = verifier->gathered = apr_palloc(verifier->pool, verifier->total);
    memcpy(verifier->gathered + verifier->length, bytes, length);
}

void whk_signature_verify_update(whk_signature_verifier_t *verifier, const void *bytes,
                                 apr_size_t length)
{
    if (!verifier->context || length == 0)
        return;
    if (length > verifier->total - verifier->length) {
        verifier->context = NULL;
        return;
    }
    if (is_eddsa(verifier->algorithm))
        gather(verifier, bytes, length);
    else if (EVP_DigestVerifyUpdate(verifier->context, bytes, length) != 1)
        verifier->context = NULL;
    verifier->length += length;
}

static int verify(const whk_signature_verifier_t *verifier, const unsigned char *signature,
                  apr_size_t length)
{
    unsigned char der[WHK_ECDSA_DER_MAX];
    apr_size_t der_length;

    if (is_eddsa(verifier->algorithm))
        return !whk_signature_has_small_order_r(verifier->algorithm, signature) &&
               EVP_DigestVerify(verifier->context, signature, length, verifier->whole,
                                verifier->total) == 1;
    if (is_rsa(verifier->algorithm))
        return EVP_DigestVerifyFinal(verifier->context, signature, length) == 1;
    der_length = whk_signature_encoding_der(verifier->algorithm, signature, length, der);
    return der_length && EVP_DigestVerifyFinal(verifier->context, der, der_length) == 1;
}

int whk_signature_verify_final(whk_signature_verifier_t *verifier, const unsigned char *signature,
                               apr_size_t length)
{
    int size = EVP_PKEY_get_size(verifier->jwk->pkey);
    int is_good;

    if (!verifier->context || verifier->length != verifier->total ||
        length != whk_signature_encoding_length(verifier->algorithm, size))
        return 0;
    ERR_set_mark();
    is_good = verify(verifier, signature, length);
    ERR_pop_to_mark();
    verifier->context = NULL;
    return is_good;
}

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
