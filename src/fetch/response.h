/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Inside of src/fetch: an HTTP answer as it comes in, and its limits. */

#include <apr_pools.h>
#include <apr_time.h>

/** Header lines of an answer, interim answers included, in bytes. */
#define WHK_RESPONSE_HEADERS_MAX 32768

typedef struct whk_response_t {
    apr_pool_t *pool;
    apr_size_t max_bytes; /* of the body */
    int status;           /* of the newest status line; 0: none came */
    apr_size_t header_bytes;
    const char *etag;          /* a valid one, or NULL */
    apr_time_t date;           /* by its Date; 0: none */
    int is_aged;               /* it has an Age: Date is when it came to a cache */
    const char *cache_control; /* all of that header's lines, or NULL */
    char *body;
    apr_size_t length;
    int is_too_large;
} whk_response_t;

void whk_response_init(whk_response_t *response, apr_size_t max_bytes, apr_pool_t *pool);

/** libcurl's CURLOPT_HEADERFUNCTION: takes one header line, or stops the transfer. */
size_t whk_response_header(char *line, size_t size, size_t count, void *response);

/** libcurl's CURLOPT_WRITEFUNCTION: takes bytes of the body, decompressed, of a 200 alone. */
size_t whk_response_body(char *bytes, size_t size, size_t count, void *response);

/** Seconds, 0 where keeping is forbidden, -1 where nothing is said. */
apr_int64_t whk_response_max_age(const whk_response_t *response);

/** Whether this is an entity-tag (RFC 9110 section 8.8.3) fit to be sent back. */
int whk_response_is_etag(const char *text);
