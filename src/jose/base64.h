/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** base64 with padding (RFC 4648 section 4), read strictly: one value has one spelling. */

#include <apr_pools.h>

/** Encode `length` bytes. @return a NUL-terminated string in `pool`. */
const char *whk_base64_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length);

/** Decode `length` characters.
 * @param bytes   set to the decoded bytes in `pool`, followed by a NUL that is not counted
 * @param decoded set to how many there are
 * @return 1, or 0 where the text is not canonical base64 with its padding (nothing is set then) */
int whk_base64_decode(apr_pool_t *pool, const char *text, apr_size_t length, unsigned char **bytes,
                      apr_size_t *decoded);
