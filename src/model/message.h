/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** An HTTP message (RFC 9110, section 6) as its signer saw it: what every scheme of signing reads.
 */

#include <apr_pools.h>
#include <apr_tables.h>

/** A request, or the response to one. Borrowed by whoever reads it. */
typedef struct whk_message_t {
    /** The status code of a response; 0: this is a request, which alone has the next four. */
    int status;
    const char *method;    /**< as sent, `POST` */
    const char *scheme;    /**< `http` or `https`, lower case */
    const char *authority; /**< Host, lower case, without a default port (RFC 9421 section 2.2.3) */
    const char *target;    /**< the request target as it was sent, in origin form: path and query */
    /** The request that this is the response to; NULL: it is a request, or nobody knows. */
    const struct whk_message_t *request;
    /** The values of a header field, by name without regard to case, in the order they came.
     * @return an array of `const char *`; NULL or empty: there is none */
    const apr_array_header_t *(*field)(void *baton, const char *name, apr_pool_t *pool);
    void *baton;
    const char *body; /**< never NULL */
    apr_size_t length;
} whk_message_t;
