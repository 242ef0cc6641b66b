/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/base32.h"

#include <apr_encode.h>

const char *whk_base32_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    return apr_pencode_base32_binary(pool, bytes, (apr_ssize_t)length, APR_ENCODE_NOPADDING, NULL);
}
