/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/secret_key_bytes.h"

#include <apr_encode.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <string.h>

#include "otp/secret_memory.h"

/* Keeps the keys of our seals apart from whatever else is derived one day (RFC 5869, section 3.2).
 */
#define SEAL_LABEL "webhook-keys seals v1"

static const char *base64url(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    return apr_pencode_base64_binary(pool, bytes, (apr_ssize_t)length, APR_ENCODE_BASE64URL, NULL);
}

/* Tells keys apart in a sealed secret, and is of no use towards the key. */
static const char *fingerprint_of(apr_pool_t *pool, const unsigned char *key)
{
    static const char label[] = "webhook-keys secret key fingerprint";
    unsigned char labelled[sizeof(label) + WHK_KEY_LENGTH];
    unsigned char digest[EVP_MAX_MD_SIZE];
    int done;

    memcpy(labelled, label, sizeof(label));
    memcpy(labelled + sizeof(label), key, WHK_KEY_LENGTH);
    done = EVP_Digest(labelled, sizeof(labelled), digest, NULL, EVP_sha256(), NULL);
    OPENSSL_cleanse(labelled, sizeof(labelled));
    return done ? base64url(pool, digest, 8) : NULL;
}

static int derive(const unsigned char *key, unsigned char *derived)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, WHK_KEY_LENGTH),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)SEAL_LABEL,
                                          strlen(SEAL_LABEL)),
        OSSL_PARAM_construct_end()};
    int done = context && EVP_KDF_derive(context, derived, WHK_KEY_LENGTH, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

static apr_status_t free_mac(void *context)
{
    EVP_MAC_CTX_free(context);
    return APR_SUCCESS;
}

static EVP_MAC_CTX *make_mac(apr_pool_t *pool, const unsigned char *key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end()};
    unsigned char derived[WHK_KEY_LENGTH];
    int done = context && derive(key, derived) &&
               EVP_MAC_init(context, derived, WHK_KEY_LENGTH, parameters) == 1;

    OPENSSL_cleanse(derived, sizeof(derived));
    EVP_MAC_free(mac);
    if (context)
        apr_pool_cleanup_register(pool, context, free_mac, apr_pool_cleanup_null);
    return done ? context : NULL;
}

int whk_secret_key_add(apr_pool_t *pool, whk_secret_key_t *key, whk_key_role_t role,
                       const unsigned char *bytes)
{
    whk_secret_key_entry_t *made = &key->keys[key->count];

    if (key->count == WHK_KEYS_MAX)
        return 0;
    made->role = role;
    made->bytes = whk_secret_alloc(pool, WHK_KEY_LENGTH);
    memcpy(made->bytes, bytes, WHK_KEY_LENGTH);
    made->fingerprint = fingerprint_of(pool, bytes);
    made->mac = make_mac(pool, bytes);
    if (!made->fingerprint || !made->mac) {
        ERR_clear_error();
        return 0;
    }
    key->count++;
    return 1;
}

whk_secret_key_t *whk_secret_key_make(apr_pool_t *pool)
{
    whk_secret_key_t *key = apr_pcalloc(pool, sizeof(*key));

    key->marks = apr_array_make(pool, 1, sizeof(const char *));
    return key;
}

const whk_secret_key_entry_t *whk_secret_key_of_role(const whk_secret_key_t *key,
                                                     whk_key_role_t role)
{
    int i;

    for (i = 0; i < key->count; i++)
        if (key->keys[i].role == role)
            return &key->keys[i];
    return NULL;
}

const whk_secret_key_entry_t *whk_secret_key_find(const whk_secret_key_t *key,
                                                  const char *fingerprint, apr_size_t length)
{
    int i;

    for (i = 0; i < key->count; i++)
        if (strlen(key->keys[i].fingerprint) == length &&
            !memcmp(key->keys[i].fingerprint, fingerprint, length))
            return &key->keys[i];
    return NULL;
}
