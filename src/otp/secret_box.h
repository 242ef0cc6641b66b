/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** OTP secrets at rest: AES-256-GCM under a key of the secret key file (otp/secret_key.h).
 *
 * A sealed secret is text: `v1.<key fingerprint>.<base64url of nonce, ciphertext and tag>`. The
 * user and the TOTP parameters are bound to it as associated data, so a row's secret cannot be
 * moved to another user and a changed byte is noticed. */

#include <apr_pools.h>

#include "otp/secret_key.h"
#include "otp/totp.h"

/** Seal a secret. @return the text to store, or NULL where the cipher or random bytes failed. */
const char *whk_secret_seal(apr_pool_t *pool, const whk_secret_key_t *key, const char *user,
                            const whk_totp_t *totp, const unsigned char *secret, apr_size_t length);

/** Open a sealed secret.
 * @param flaw set on failure, for the operator: other key, or changed bytes; never the secret
 * @return 1 with `secret` (wiped when `pool` goes) and `length` set, or 0 */
int whk_secret_open(apr_pool_t *pool, const whk_secret_key_t *key, const char *user,
                    const whk_totp_t *totp, const char *sealed, const unsigned char **secret,
                    apr_size_t *length, const char **flaw);
