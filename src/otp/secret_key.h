/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The keys of what is sealed, as the secret key file has them (otp/secret_key_file.h): one that
 * seals, and while keys are changed another that opens. Their bytes do not leave src/otp. */

#include <apr_pools.h>

/** The keys of a file. Never changed once it is made, so threads may share it. */
typedef struct whk_secret_key_t whk_secret_key_t;

/** Bytes of a key of whk_secret_key_mac()'s answer. */
#define WHK_MAC_LENGTH 32

/** Tells the key that seals from others, and is of no use towards it. */
const char *whk_secret_key_fingerprint(const whk_secret_key_t *key);

/** HMAC-SHA256 under a key that is derived (HKDF, RFC 5869) from one of the file's.
 * @param fingerprint of which; not NUL-terminated
 * @return 1, or 0 where the file has no such key (or OpenSSL fails) */
int whk_secret_key_mac(const whk_secret_key_t *key, const char *fingerprint, apr_size_t length,
                       const char *text, apr_size_t text_length, unsigned char mac[WHK_MAC_LENGTH]);

/** True where a text of the form `v1.<fingerprint>.…` was sealed by the key that seals now. */
int whk_secret_key_is_current(const whk_secret_key_t *key, const char *text);
