/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/digest.h"

#include <apr_escape.h>
#include <openssl/evp.h>

const char *whk_sha256_hex(apr_pool_t *pool, const void *bytes, apr_size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!EVP_Digest(bytes, length, digest, &size, EVP_sha256(), NULL))
        return NULL;
    return apr_pescape_hex(pool, digest, size, 0);
}
