/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The parameters of a query, for `@query-param` (RFC 9421 section 2.2.8). */

#include <apr_hash.h>
#include <apr_pools.h>

typedef struct whk_query_parameter_t {
    const char *value; /**< of the first of that name: decoded as a form and encoded again */
    int count;         /**< how many there are of that name */
} whk_query_parameter_t;

/** Read a query.
 * @param query without its question mark
 * @return whk_query_parameter_t by name; names are decoded and encoded as values are */
apr_hash_t *whk_query_parameters(const char *query, apr_pool_t *pool);
