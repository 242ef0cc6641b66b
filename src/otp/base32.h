/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** base32 (RFC 4648 section 6). */

#include <apr_pools.h>

/** base32 without padding, the form that authenticator apps take. */
const char *whk_base32_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length);
