/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/body_buffer.h"

#include <stdlib.h>
#include <string.h>

static apr_status_t make_room(whk_body_buffer_t *buffer, apr_size_t room)
{
    char *bytes;

    if (room > buffer->limit)
        room = buffer->limit;
    bytes = realloc(buffer->bytes, room + 1);
    if (!bytes)
        return APR_ENOMEM;
    buffer->bytes = bytes;
    buffer->room = room;
    return APR_SUCCESS;
}

static apr_status_t free_buffer(void *data)
{
    whk_body_buffer_clear(data);
    return APR_SUCCESS;
}

apr_status_t whk_body_buffer_create(whk_body_buffer_t **created, apr_size_t limit, apr_size_t room,
                                    apr_pool_t *pool)
{
    whk_body_buffer_t *buffer = apr_pcalloc(pool, sizeof(*buffer));

    buffer->limit = limit;
    apr_pool_cleanup_register(pool, buffer, free_buffer, apr_pool_cleanup_null);
    *created = buffer;
    return make_room(buffer, room);
}

apr_status_t whk_body_buffer_append(whk_body_buffer_t *buffer, const char *data, apr_size_t size)
{
    if (size > buffer->limit - buffer->length)
        return APR_ENOSPC;
    if (size > buffer->room - buffer->length) {
        apr_status_t status = make_room(buffer, 2 * (buffer->length + size));

        if (status != APR_SUCCESS)
            return status;
    }
    memcpy(buffer->bytes + buffer->length, data, size);
    buffer->length += size;
    return APR_SUCCESS;
}

char *whk_body_buffer_take(whk_body_buffer_t *buffer)
{
    char *bytes = buffer->bytes;

    buffer->bytes = NULL;
    buffer->length = buffer->room = 0;
    return bytes;
}

void whk_body_buffer_clear(whk_body_buffer_t *buffer)
{
    free(whk_body_buffer_take(buffer));
}
