/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/openssl_pool.h"

static void *adopt(apr_pool_t *pool, void *object, apr_status_t (*cleanup)(void *))
{
    if (object)
        apr_pool_cleanup_register(pool, object, cleanup, apr_pool_cleanup_null);
    return object;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): types and names of functions */
#define ADOPT(name, type, release)                                                                 \
    static apr_status_t free_##name(void *object)                                                  \
    {                                                                                              \
        release(object);                                                                           \
        return APR_SUCCESS;                                                                        \
    }                                                                                              \
    type *whk_pool_adopt_##name(apr_pool_t *pool, type *object)                                    \
    {                                                                                              \
        return adopt(pool, object, free_##name);                                                   \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

ADOPT(pkey, EVP_PKEY, EVP_PKEY_free)
ADOPT(pkey_context, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
ADOPT(digest_context, EVP_MD_CTX, EVP_MD_CTX_free)
ADOPT(bignum_context, BN_CTX, BN_CTX_free)
ADOPT(bignum, BIGNUM, BN_free)
ADOPT(certificate, X509, X509_free)
