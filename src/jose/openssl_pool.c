/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/openssl_pool.h"

static void *own(apr_pool_t *pool, void *object, apr_status_t (*cleanup)(void *))
{
    if (object)
        apr_pool_cleanup_register(pool, object, cleanup, apr_pool_cleanup_null);
    return object;
}

static apr_status_t free_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

EVP_PKEY *whk_pool_adopt_pkey(apr_pool_t *pool, EVP_PKEY *pkey)
{
    return own(pool, pkey, free_pkey);
}

static apr_status_t free_pkey_context(void *context)
{
    EVP_PKEY_CTX_free(context);
    return APR_SUCCESS;
}

EVP_PKEY_CTX *whk_pool_adopt_pkey_context(apr_pool_t *pool, EVP_PKEY_CTX *context)
{
    return own(pool, context, free_pkey_context);
}

static apr_status_t free_digest_context(void *context)
{
    EVP_MD_CTX_free(context);
    return APR_SUCCESS;
}

EVP_MD_CTX *whk_pool_adopt_digest_context(apr_pool_t *pool, EVP_MD_CTX *context)
{
    return own(pool, context, free_digest_context);
}

static apr_status_t free_bignum_context(void *context)
{
    BN_CTX_free(context);
    return APR_SUCCESS;
}

BN_CTX *whk_pool_adopt_bignum_context(apr_pool_t *pool, BN_CTX *context)
{
    return own(pool, context, free_bignum_context);
}

static apr_status_t free_bignum(void *number)
{
    BN_free(number);
    return APR_SUCCESS;
}

BIGNUM *whk_pool_adopt_bignum(apr_pool_t *pool, BIGNUM *number)
{
    return own(pool, number, free_bignum);
}

static apr_status_t free_certificate(void *certificate)
{
    X509_free(certificate);
    return APR_SUCCESS;
}

X509 *whk_pool_adopt_certificate(apr_pool_t *pool, X509 *certificate)
{
    return own(pool, certificate, free_certificate);
}
