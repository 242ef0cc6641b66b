/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_OTP_BASE32_H
#define WHK_OTP_BASE32_H

/**
 * @file otp/base32.h
 * base32 (RFC 4648 section 6).
 */

#include <apr_pools.h>

/** base32 without padding, the form that authenticator apps take. */
const char *whk_base32_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length);

#endif
