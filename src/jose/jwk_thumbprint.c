/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk_thumbprint.h"

#include <apr_strings.h>
#include <openssl/evp.h>
#include <string.h>

#include "jose/base64url.h"

const char *whk_jwk_thumbprint(const char *text, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length;

    if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) != 1)
        return NULL;
    return whk_base64url_encode(pool, digest, length);
}

/* What whk_jwk_parse() wrote, but for `alg`, is what the thumbprint is of. */
const char *whk_jwk_stored_thumbprint(const char *public_json, apr_pool_t *pool)
{
    static const char alg[] = "{\"alg\":\"";
    const char *end =
        strncmp(public_json, alg, strlen(alg)) ? NULL : strstr(public_json + strlen(alg), "\",");

    if (end)
        public_json = apr_pstrcat(pool, "{", end + 2, NULL);
    return whk_jwk_thumbprint(public_json, pool);
}
