/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Values one after another in a way that only they can give: each with its length before it, as
 * `5:hello,`; an absent one is `-,`. */

#include <apr_pools.h>

const char *whk_netstring(apr_pool_t *pool, const char *text);
const char *whk_netstring_number(apr_pool_t *pool, apr_int64_t number);
