/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Time-based one-time passwords: RFC 6238 over RFC 4226. */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct whk_totp_t {
    const char *algorithm; /**< sha1, sha256 or sha512 */
    int digits;            /**< 6 or 8 */
    int period;            /**< seconds, 15 to 60 */
} whk_totp_t;

/** Parameters that RFC 6238 and `whkctl otp enroll` (docs/whkctl.8) allow: 1 or 0. */
int whk_totp_valid(const whk_totp_t *totp);

/** Bytes of a fresh secret: the digest's length (RFC 6238 section 5.1). */
apr_size_t whk_totp_secret_length(const whk_totp_t *totp);

/** The step that `when` lies in. */
apr_int64_t whk_totp_step(const whk_totp_t *totp, apr_time_t when);

/** The code of a step, `digits` characters and a NUL in `code`, which must hold 9.
 * @return 1, or 0 where the digest could not be computed */
int whk_totp_code(const whk_totp_t *totp, const unsigned char *secret, apr_size_t length,
                  apr_int64_t step, char *code);

/** Compare a code with those of the current step and one step either way, in constant time.
 * @param step set to the newest step whose code this is
 * @return 1, or 0: not a code of these three steps, or not one at all */
int whk_totp_match(const whk_totp_t *totp, const unsigned char *secret, apr_size_t length,
                   apr_time_t now, const char *code, apr_int64_t *step);

/** `otpauth://totp/…` with issuer, for a QR code. */
const char *whk_totp_uri(apr_pool_t *pool, const whk_totp_t *totp, const char *issuer,
                         const char *user, const unsigned char *secret, apr_size_t length);
