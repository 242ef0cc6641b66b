/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/secret_box.h"

#include <apr_encode.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "model/random.h"
#include "otp/secret_key_bytes.h"
#include "otp/secret_memory.h"

#define VERSION "v1"
#define NONCE_LENGTH 12 /* NIST SP 800-38D, section 5.2.1.1: the length that needs no hashing */
#define TAG_LENGTH 16

static apr_status_t free_context(void *context)
{
    EVP_CIPHER_CTX_free(context);
    return APR_SUCCESS;
}

static EVP_CIPHER_CTX *new_context(apr_pool_t *pool)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (context)
        apr_pool_cleanup_register(pool, context, free_context, apr_pool_cleanup_null);
    return context;
}

static const char *base64url(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    return apr_pencode_base64_binary(pool, bytes, (apr_ssize_t)length, APR_ENCODE_BASE64URL, NULL);
}

/* Each value with its length before it, so that no two sets of values give the same bytes. */
static const char *associated_data(apr_pool_t *pool, const char *user, const whk_totp_t *totp)
{
    return apr_psprintf(pool, VERSION " %" APR_SIZE_T_FMT ":%s %" APR_SIZE_T_FMT ":%s %d %d",
                        strlen(user), user, strlen(totp->algorithm), totp->algorithm, totp->digits,
                        totp->period);
}

/* The box is nonce, ciphertext and tag, one after another. */
static int encrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const char *bound,
                   const unsigned char *secret, apr_size_t length, unsigned char *box)
{
    unsigned char *text = box + NONCE_LENGTH;
    int size;

    return EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key, box, NULL) &&
           EVP_EncryptUpdate(context, NULL, &size, (const unsigned char *)bound,
                             (int)strlen(bound)) &&
           EVP_EncryptUpdate(context, text, &size, secret, (int)length) &&
           EVP_EncryptFinal_ex(context, text + length, &size) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LENGTH, text + length);
}

const char *whk_secret_seal(apr_pool_t *pool, const whk_secret_key_t *key, const char *user,
                            const whk_totp_t *totp, const unsigned char *secret, apr_size_t length)
{
    apr_size_t box_length = NONCE_LENGTH + length + TAG_LENGTH;
    const char *fingerprint = whk_secret_key_fingerprint(key);
    EVP_CIPHER_CTX *context = new_context(pool);
    unsigned char *box;

    if (!context || length > 1024)
        return NULL;
    box = apr_palloc(pool, box_length);
    if (whk_random(box, NONCE_LENGTH) != APR_SUCCESS)
        return NULL;
    if (!encrypt(context, whk_secret_key_find(key, fingerprint, strlen(fingerprint))->bytes,
                 associated_data(pool, user, totp), secret, length, box)) {
        ERR_clear_error();
        return NULL;
    }
    return apr_pstrcat(pool, VERSION ".", fingerprint, ".", base64url(pool, box, box_length), NULL);
}

static int decrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const char *bound,
                   const unsigned char *box, apr_size_t length, unsigned char *secret)
{
    const unsigned char *text = box + NONCE_LENGTH;
    int size;

    return EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key, box, NULL) &&
           EVP_DecryptUpdate(context, NULL, &size, (const unsigned char *)bound,
                             (int)strlen(bound)) &&
           EVP_DecryptUpdate(context, secret, &size, text, (int)length) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LENGTH,
                               (void *)(text + length)) &&
           EVP_DecryptFinal_ex(context, secret + length, &size);
}

/* @return the box's bytes with `bytes` set to those of its key, or NULL with `flaw` set */
static const unsigned char *unwrap(apr_pool_t *pool, const whk_secret_key_t *key,
                                   const char *sealed, const unsigned char **bytes,
                                   apr_size_t *length, const char **flaw)
{
    const whk_secret_key_entry_t *found;
    const unsigned char *box;
    const char *encoded;

    *flaw = "the sealed secret is not in the form that this version writes: restore its row, or "
            "enrol the user anew";
    if (strncmp(sealed, VERSION ".", strlen(VERSION ".")) != 0)
        return NULL;
    sealed += strlen(VERSION ".");
    encoded = strchr(sealed, '.');
    if (!encoded)
        return NULL;
    found = whk_secret_key_find(key, sealed, (apr_size_t)(encoded - sealed));
    if (!found) {
        *flaw = "the secret was sealed with another key than the one in the secret key file: put "
                "that key file back, or enrol the user anew";
        return NULL;
    }
    *bytes = found->bytes;
    encoded++;
    box = apr_pdecode_base64_binary(pool, encoded, APR_ENCODE_STRING, APR_ENCODE_BASE64URL, length);
    if (!box || *length < NONCE_LENGTH + TAG_LENGTH ||
        strcmp(base64url(pool, box, *length), encoded) != 0)
        return NULL;
    *length -= NONCE_LENGTH + TAG_LENGTH;
    return box;
}

int whk_secret_open(apr_pool_t *pool, const whk_secret_key_t *key, const char *user,
                    const whk_totp_t *totp, const char *sealed, const unsigned char **secret,
                    apr_size_t *length, const char **flaw)
{
    apr_size_t opened_length;
    const unsigned char *bytes;
    const unsigned char *box = unwrap(pool, key, sealed, &bytes, &opened_length, flaw);
    EVP_CIPHER_CTX *context;
    unsigned char *opened;

    if (!box)
        return 0;
    context = new_context(pool);
    opened = whk_secret_alloc(pool, opened_length);
    if (!context ||
        !decrypt(context, bytes, associated_data(pool, user, totp), box, opened_length, opened)) {
        ERR_clear_error();
        *flaw = "the sealed secret does not open: its row was changed, or is another user's; "
                "restore it, or enrol the user anew";
        return 0;
    }
    *secret = opened;
    *length = opened_length;
    return 1;
}
