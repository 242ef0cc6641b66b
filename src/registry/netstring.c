/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/netstring.h"

#include <apr_strings.h>
#include <string.h>

const char *whk_netstring(apr_pool_t *pool, const char *text)
{
    return text ? apr_psprintf(pool, "%" APR_SIZE_T_FMT ":%s,", strlen(text), text) : "-,";
}

const char *whk_netstring_number(apr_pool_t *pool, apr_int64_t number)
{
    return whk_netstring(pool, apr_psprintf(pool, "%" APR_INT64_T_FMT, number));
}
