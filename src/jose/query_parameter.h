#ifndef WHK_JOSE_QUERY_PARAMETER_H
#define WHK_JOSE_QUERY_PARAMETER_H

/**
 * @file jose/query_parameter.h
 * One parameter of a query, for `@query-param` (RFC 9421 section 2.2.8).
 */

#include <apr_pools.h>

/**
 * Find a parameter.
 * @param value set, where there is one, to its value: decoded as a form and encoded again
 * @param query without its question mark
 * @param name  encoded likewise
 * @return how many there are of that name
 */
int whk_query_parameter(const char **value, const char *query, const char *name, apr_pool_t *pool);

#endif
