/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** base64url without padding (RFC 7515 section 2, RFC 4648 section 5), read strictly: no padding,
 * no white space, no other alphabet, and the unused bits of the last character are zero, so that
 * one value has one spelling. */

#include <apr_pools.h>

/** Encode `length` bytes. @return a NUL-terminated string in `pool`. */
const char *whk_base64url_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length);

/** How many characters `length` bytes make. */
static inline apr_size_t whk_base64url_length(apr_size_t length)
{
    return length / 3 * 4 + (length % 3 ? length % 3 + 1 : 0);
}

/** Encode into `text`, which has room for whk_base64url_length(), without a NUL.
 * @return how many characters there are */
apr_size_t whk_base64url_put(char *text, const unsigned char *bytes, apr_size_t length);

/** Decode `length` characters.
 * @param bytes   set to the decoded bytes in `pool`, followed by a NUL that is not counted
 * @param decoded set to how many there are
 * @return 1, or 0 where the text is not canonical base64url (nothing is set then) */
int whk_base64url_decode(apr_pool_t *pool, const char *text, apr_size_t length,
                         unsigned char **bytes, apr_size_t *decoded);
