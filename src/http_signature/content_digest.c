/* SPDX-License-Identifier: Apache-2.0 */
#include "http_signature/content_digest.h"

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "http_signature/field_value.h"
#include "http_signature/structured_field.h"
#include "jose/base64.h"
#include "model/log_number.h"

#define KNOWN_COUNT 2

/* The others that RFC 9530 registers (md5, sha, unixsum and the like) can be forged. */
static const struct {
    const char *key;
    const char *name;
    apr_size_t length;
} known[KNOWN_COUNT] = {
    {"sha-256", "SHA256", 32},
    {"sha-512", "SHA512", 64},
};

struct whk_content_digest_t {
    const unsigned char *claimed[KNOWN_COUNT]; /* as in `known`; NULL: not claimed */
};

static const whk_outcome_t *read_known(whk_content_digest_t *digest, int i,
                                       const apr_array_header_t *members, apr_pool_t *pool)
{
    const whk_sf_item_t *item = whk_sf_find(members, known[i].key);

    if (!item)
        return NULL;
    if (item->type != WHK_SF_BYTES || item->length != known[i].length)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "%s of Content-Digest must be %d bytes in base64 between colons: "
                          "%s=:<base64>:",
                          known[i].key, (int)known[i].length, known[i].key);
    digest->claimed[i] = item->bytes;
    return NULL;
}

const whk_outcome_t *whk_content_digest_read(const whk_content_digest_t **digest,
                                             const whk_message_t *message, apr_pool_t *pool)
{
    whk_content_digest_t *read = apr_pcalloc(pool, sizeof(*read));
    const apr_array_header_t *members;
    int count = 0;
    int i;

    WHK_TRY(whk_field_dictionary(&members, message, "Content-Digest", pool));
    for (i = 0; members && i < KNOWN_COUNT; i++) {
        WHK_TRY(read_known(read, i, members, pool));
        count += read->claimed[i] != NULL;
    }
    if (!count)
        return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                          "Content-Digest must hold a sha-256 or a sha-512 of the body: no other "
                          "algorithm is known here");
    *digest = read;
    return NULL;
}

static const whk_outcome_t *check_known(const unsigned char *claimed, int i,
                                        const whk_bytes_t *body, apr_pool_t *pool)
{
    unsigned char actual[EVP_MAX_MD_SIZE];
    size_t length = 0;

    if (EVP_Q_digest(NULL, known[i].name, NULL, body->bytes, body->length, actual, &length) != 1 ||
        length != known[i].length)
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0340) "OpenSSL can't compute %s",
                        known[i].name);
    if (CRYPTO_memcmp(claimed, actual, known[i].length) != 0)
        return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                          "%s of Content-Digest is not that of the body that arrived: hash the "
                          "very bytes that are sent",
                          known[i].key);
    return NULL;
}

const whk_outcome_t *whk_content_digest_check(const whk_content_digest_t *digest,
                                              const whk_bytes_t *body, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < KNOWN_COUNT; i++)
        if (digest->claimed[i])
            WHK_TRY(check_known(digest->claimed[i], i, body, pool));
    return NULL;
}

const char *whk_content_digest_make(const whk_bytes_t *body, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length;

    if (EVP_Digest(body->bytes, body->length, digest, &length, EVP_sha256(), NULL) != 1)
        return NULL;
    return apr_pstrcat(pool, "sha-256=:", whk_base64_encode(pool, digest, length), ":", NULL);
}
