/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A body as it grows in memory. Not of a pool, which would keep each of the sizes that it had, and
 * more of them together than the last; freed with one all the same. */

#include <apr_pools.h>

typedef struct whk_body_buffer_t {
    char *bytes; /**< a NUL always fits behind them */
    apr_size_t length;
    apr_size_t room;
    apr_size_t limit;
} whk_body_buffer_t;

/** @param limit most bytes
 * @param room  for how many there is room at once; more than `limit` is as much
 * @return APR_SUCCESS or APR_ENOMEM */
apr_status_t whk_body_buffer_create(whk_body_buffer_t **buffer, apr_size_t limit, apr_size_t room,
                                    apr_pool_t *pool);

/** @return APR_SUCCESS, APR_ENOSPC (more than the limit) or APR_ENOMEM */
apr_status_t whk_body_buffer_append(whk_body_buffer_t *buffer, const char *data, apr_size_t size);

/** The bytes are the caller's, to be freed with free(): the buffer is empty then. */
char *whk_body_buffer_take(whk_body_buffer_t *buffer);

/** Free them now. */
void whk_body_buffer_clear(whk_body_buffer_t *buffer);
