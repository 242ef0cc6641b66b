/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Private to otp: the bytes of the keys, and what is computed with each once. */

#include <apr_tables.h>
#include <openssl/evp.h>

#define WHK_KEY_LENGTH 32
#define WHK_KEYS_MAX 3

typedef enum {
    WHK_KEY_CURRENT,
    WHK_KEY_NEXT,
    WHK_KEY_PREVIOUS
} whk_key_role_t;

typedef struct whk_secret_key_entry_t {
    whk_key_role_t role;
    unsigned char *bytes;
    const char *fingerprint;
    EVP_MAC_CTX *mac; /**< keyed: each use takes a copy */
} whk_secret_key_entry_t;

/** What otp/secret_key.h shows nobody the inside of. */
typedef struct whk_secret_key_t {
    int count;
    whk_secret_key_entry_t keys[WHK_KEYS_MAX]; /**< the one that seals is the first */
    apr_array_header_t *marks; /**< `const char *`: of registries whose rows were sealed */
} whk_secret_key_t;

/** None yet. */
whk_secret_key_t *whk_secret_key_make(apr_pool_t *pool);

/** @return 0 where OpenSSL fails, or there are more keys than there may be */
int whk_secret_key_add(apr_pool_t *pool, whk_secret_key_t *key, whk_key_role_t role,
                       const unsigned char *bytes);

/** The key of a role, or NULL. */
const whk_secret_key_entry_t *whk_secret_key_of_role(const whk_secret_key_t *key,
                                                     whk_key_role_t role);

/** The key with this fingerprint (not NUL-terminated), or NULL. */
const whk_secret_key_entry_t *whk_secret_key_find(const whk_secret_key_t *key,
                                                  const char *fingerprint, apr_size_t length);
