#include "jose/signature_contexts.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

/* Not in a pool: which thread comes first is not known, and a pool belongs to one. */
typedef struct kept_t {
    whk_algorithm_t algorithm;
    EVP_MD_CTX *context;
    struct kept_t *next;
} kept_t;

/* The list only grows, at its head, until the key goes: readers need no lock. */
struct whk_signature_contexts_t {
    _Atomic(kept_t *) first;
};

static void free_kept(kept_t *kept)
{
    EVP_MD_CTX_free(kept->context);
    free(kept);
}

static apr_status_t free_contexts(void *data)
{
    whk_signature_contexts_t *contexts = data;
    kept_t *kept = atomic_load(&contexts->first);

    while (kept) {
        kept_t *next = kept->next;

        free_kept(kept);
        kept = next;
    }
    return APR_SUCCESS;
}

whk_signature_contexts_t *whk_signature_contexts_make(apr_pool_t *pool)
{
    whk_signature_contexts_t *contexts = apr_palloc(pool, sizeof(*contexts));

    atomic_init(&contexts->first, NULL);
    apr_pool_cleanup_register(pool, contexts, free_contexts, apr_pool_cleanup_null);
    return contexts;
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

static kept_t *make(const whk_jwk_t *jwk, whk_algorithm_t algorithm)
{
    kept_t *kept = calloc(1, sizeof(*kept));
    int is_good;

    if (!kept)
        return NULL;
    kept->algorithm = algorithm;
    kept->context = EVP_MD_CTX_new();
    ERR_set_mark();
    is_good = set_up(kept->context, jwk->pkey, algorithm);
    ERR_pop_to_mark();
    if (is_good)
        return kept;
    free_kept(kept);
    return NULL;
}

static kept_t *find(kept_t *kept, whk_algorithm_t algorithm)
{
    while (kept && kept->algorithm != algorithm)
        kept = kept->next;
    return kept;
}

/* Another thread may have made the same meanwhile: then its one stays. */
static kept_t *publish(whk_signature_contexts_t *contexts, kept_t *made)
{
    kept_t *first = atomic_load(&contexts->first);
    kept_t *other;

    do {
        other = find(first, made->algorithm);
        if (other) {
            free_kept(made);
            return other;
        }
        made->next = first;
    } while (!atomic_compare_exchange_weak(&contexts->first, &first, made));
    return made;
}

const EVP_MD_CTX *whk_signature_context(const whk_jwk_t *jwk, whk_algorithm_t algorithm)
{
    kept_t *kept = find(atomic_load(&jwk->contexts->first), algorithm);

    if (!kept) {
        kept = make(jwk, algorithm);
        if (kept)
            kept = publish(jwk->contexts, kept);
    }
    return kept ? kept->context : NULL;
}
