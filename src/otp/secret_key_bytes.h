/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_OTP_SECRET_KEY_BYTES_H
#define WHK_OTP_SECRET_KEY_BYTES_H

/**
 * @file otp/secret_key_bytes.h
 * Private to otp: the bytes of keys, for the cipher of secret_box.c and the file of
 * secret_key_file.c alone.
 */

#include <apr_tables.h>
#include <openssl/evp.h>

#include "otp/secret_key.h"

#define WHK_KEY_LENGTH 32
#define WHK_KEYS_MAX 3

typedef enum {
    WHK_KEY_SEALS,
    WHK_KEY_NEXT,
    WHK_KEY_PREVIOUS
} whk_key_role_t;

typedef struct whk_one_key_t {
    whk_key_role_t role;
    unsigned char *bytes;
    const char *fingerprint;
    EVP_MAC_CTX *mac; /**< keyed: each use takes a copy */
} whk_one_key_t;

struct whk_secret_key_t {
    int count;
    whk_one_key_t keys[WHK_KEYS_MAX]; /**< the one that seals is the first */
    apr_array_header_t *marks;        /**< `const char *`: of registries whose rows were sealed */
};

/** None yet. */
whk_secret_key_t *whk_secret_key_make(apr_pool_t *pool);

/** @return 0 where OpenSSL fails, or there are more keys than there may be */
int whk_secret_key_add(apr_pool_t *pool, whk_secret_key_t *key, whk_key_role_t role,
                       const unsigned char *bytes);

/** The key of a role, or NULL. */
const whk_one_key_t *whk_secret_key_of_role(const whk_secret_key_t *key, whk_key_role_t role);

/** The bytes of the key with this fingerprint (not NUL-terminated), or NULL. */
const unsigned char *whk_secret_key_bytes(const whk_secret_key_t *key, const char *fingerprint,
                                          apr_size_t length);

#endif
