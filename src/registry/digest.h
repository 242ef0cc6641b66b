/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** SHA-256 as text: of a bearer token, and of an event of the audit trail. */

#include <apr_pools.h>

/** 64 lower-case hex digits in `pool`, or NULL where OpenSSL has no SHA-256 to give. */
const char *whk_sha256_hex(apr_pool_t *pool, const void *bytes, apr_size_t length);
