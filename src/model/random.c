/* SPDX-License-Identifier: Apache-2.0 */
#include "model/random.h"

#include <apr_general.h>
#include <apr_strings.h>

apr_status_t whk_random(void *bytes, apr_size_t length)
{
    return apr_generate_random_bytes(bytes, length);
}

const char *whk_uuid(apr_pool_t *pool)
{
    unsigned char b[16];

    if (whk_random(b, sizeof(b)) != APR_SUCCESS)
        return NULL;
    b[6] = (b[6] & 0x0F) | 0x40;
    b[8] = (b[8] & 0x3F) | 0x80;
    return apr_psprintf(
        pool, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
        b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}
