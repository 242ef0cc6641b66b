/* SPDX-License-Identifier: Apache-2.0 */
#include "model/timestamp.h"

#include <apr_strings.h>

const char *whk_time_format(apr_pool_t *pool, apr_time_t when)
{
    apr_time_exp_t parts;

    apr_time_exp_gmt(&parts, when);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                        parts.tm_usec / 1000);
}

apr_time_t whk_time_now(void)
{
    apr_time_t now = apr_time_now();

    return now - now % 1000;
}
