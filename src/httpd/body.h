/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The body of a request, in memory. */

#include <httpd.h>

#include <util_filter.h>

#include "model/outcome.h"

/** Read a body whole.
 * @param from  the input filter to read from, of this request's chain
 * @param limit most bytes, after any transfer or content decoding that httpd does
 * @param bytes set to the bytes, followed by a NUL that is not counted; freed with the pool of `r`
 * @return NULL, or body_too_large, or invalid_request where the client did not send what it had
 * announced */
const whk_outcome_t *whk_body_read(request_rec *r, ap_filter_t *from, apr_int64_t limit,
                                   char **bytes, apr_size_t *length);

/** True where the header announces a body of more than `limit` bytes. */
int whk_body_announces_more(const request_rec *r, apr_int64_t limit);

/** The refusal of a body of more than `limit` bytes; the connection ends with it. */
const whk_outcome_t *whk_body_too_large(request_rec *r, apr_int64_t limit);

/** As whk_body_read(), and unsupported_media_type where it is not sent as JSON. */
const whk_outcome_t *whk_body_read_json(request_rec *r, apr_int64_t limit, const char **body,
                                        apr_size_t *length);

/** Before an answer to a request whose body nobody read: read it away if it is short and
 * has come, else see that the connection ends with the answer. Harmless where the body was read. */
void whk_body_discard(request_rec *r);
