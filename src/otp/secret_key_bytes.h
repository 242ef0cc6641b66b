#ifndef WHK_OTP_SECRET_KEY_BYTES_H
#define WHK_OTP_SECRET_KEY_BYTES_H

/**
 * @file otp/secret_key_bytes.h
 * Private to otp: the bytes of a key, for the cipher of secret_box.c alone.
 */

#include "otp/secret_key.h"

/** The 32 bytes of the key with this fingerprint (not NUL-terminated), or NULL. */
const unsigned char *whk_secret_key_bytes(const whk_secret_key_t *key, const char *fingerprint,
                                          apr_size_t length);

#endif
