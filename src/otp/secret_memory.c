/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/secret_memory.h"

#include <openssl/crypto.h>

typedef struct {
    void *bytes;
    apr_size_t length;
} wiped_t;

static apr_status_t wipe(void *baton)
{
    wiped_t *wiped = baton;

    OPENSSL_cleanse(wiped->bytes, wiped->length);
    return APR_SUCCESS;
}

void *whk_secret_alloc(apr_pool_t *pool, apr_size_t length)
{
    wiped_t *wiped = apr_palloc(pool, sizeof(*wiped));

    wiped->length = length;
    wiped->bytes = apr_pcalloc(pool, length ? length : 1);
    apr_pool_cleanup_register(pool, wiped, wipe, apr_pool_cleanup_null);
    return wiped->bytes;
}
