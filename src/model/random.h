/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Random bytes, and identifiers made of them. */

#include <apr_pools.h>

/** `length` random bytes from the operating system. APR_SUCCESS or an error: then use nothing. */
apr_status_t whk_random(void *bytes, apr_size_t length);

/** A random UUID (RFC 9562, version 4), or NULL where the system has no random bytes. */
const char *whk_uuid(apr_pool_t *pool);
