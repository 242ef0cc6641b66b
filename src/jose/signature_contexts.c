/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/signature_contexts.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Not in a pool: which thread comes first is not known, and a pool belongs to one. */
typedef struct {
    whk_jwk_cached_t cached; /* first: the list knows nothing else */
    whk_algorithm_t algorithm;
    EVP_MD_CTX *context;
} cached_context_t;

static void release(whk_jwk_cached_t *cached)
{
    EVP_MD_CTX_free(((cached_context_t *)cached)->context);
    free(cached);
}

/* NULL for EdDSA, which hashes in its own way. */
static const char *digest_of(whk_algorithm_t algorithm)
{
    switch (algorithm) {
    case WHK_ALG_ES256:
    case WHK_ALG_ES256K:
    case WHK_ALG_RS256:
    case WHK_ALG_PS256:
        return "SHA256";
    case WHK_ALG_ES384:
    case WHK_ALG_RS384:
    case WHK_ALG_PS384:
        return "SHA384";
    case WHK_ALG_ES512:
    case WHK_ALG_RS512:
    case WHK_ALG_PS512:
        return "SHA512";
    default:
        return NULL;
    }
}

/* RFC 7518, section 3.5: MGF1 uses the same hash, and the salt is as long as its digest. */
static int set_padding(EVP_PKEY_CTX *parameters, whk_algorithm_t algorithm)
{
    if (algorithm & (WHK_ALG_PS256 | WHK_ALG_PS384 | WHK_ALG_PS512))
        return EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(parameters, digest_of(algorithm), NULL) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) > 0;
    if (algorithm & WHK_ALGORITHMS_RSA)
        return EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PADDING) > 0;
    return 1;
}

static int set_up(EVP_MD_CTX *context, EVP_PKEY *pkey, whk_algorithm_t algorithm)
{
    EVP_PKEY_CTX *parameters;

    return context &&
           EVP_DigestVerifyInit_ex(context, &parameters, digest_of(algorithm), NULL, NULL, pkey,
                                   NULL) == 1 &&
           set_padding(parameters, algorithm);
}

static cached_context_t *make(const whk_jwk_t *jwk, whk_algorithm_t algorithm)
{
    cached_context_t *made = calloc(1, sizeof(*made));
    int is_good;

    if (!made)
        return NULL;
    made->cached.release = release;
    made->algorithm = algorithm;
    made->context = EVP_MD_CTX_new();
    ERR_set_mark();
    is_good = set_up(made->context, jwk->pkey, algorithm);
    ERR_pop_to_mark();
    if (is_good)
        return made;
    release(&made->cached);
    return NULL;
}

static cached_context_t *find(whk_jwk_cached_t *cached, whk_algorithm_t algorithm)
{
    while (cached && ((cached_context_t *)cached)->algorithm != algorithm)
        cached = cached->next;
    return (cached_context_t *)cached;
}

/* Another thread may have made the same meanwhile: then its one stays. */
static cached_context_t *publish(const whk_jwk_t *jwk, cached_context_t *made)
{
    whk_jwk_cached_t *first = atomic_load(jwk->cached);
    cached_context_t *other;

    do {
        other = find(first, made->algorithm);
        if (other) {
            release(&made->cached);
            return other;
        }
        made->cached.next = first;
    } while (!atomic_compare_exchange_weak(jwk->cached, &first, &made->cached));
    return made;
}

const EVP_MD_CTX *whk_signature_context(const whk_jwk_t *jwk, whk_algorithm_t algorithm)
{
    cached_context_t *found = find(atomic_load(jwk->cached), algorithm);

    if (!found) {
        found = make(jwk, algorithm);
        if (found)
            found = publish(jwk, found);
    }
    return found ? found->context : NULL;
}

EVP_MD_CTX *whk_signature_signing_context(EVP_PKEY *pkey, whk_algorithm_t algorithm)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    int is_good;

    ERR_set_mark();
    is_good = context &&
              EVP_DigestSignInit_ex(context, &parameters, digest_of(algorithm), NULL, NULL, pkey,
                                    NULL) == 1 &&
              set_padding(parameters, algorithm);
    ERR_pop_to_mark();
    if (is_good)
        return context;
    EVP_MD_CTX_free(context);
    return NULL;
}
