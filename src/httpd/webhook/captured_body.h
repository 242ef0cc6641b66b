/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A body that is read before its handler runs.
 *
 * One filter stands at the head of the protocol's input filters of each request that a client sent,
 * from the moment its header was read: so it is in the chain of all subrequests and redirects that
 * httpd makes of it. It lets bytes through until the body is captured, and hands out what was
 * captured from then on. A handler that may read nothing else gets a second one, in front of all
 * filters (whk_captured_body_insert_filter()). */

#include <httpd.h>

#include "model/outcome.h"

typedef struct whk_captured_body_t {
    char *bytes;
    apr_size_t length;
    apr_size_t consumed; /**< bytes that were handed out */
    int is_read;
    int is_lost;               /**< somebody read of it before it was captured: it is lost */
    const whk_outcome_t *flaw; /**< why it could not be read; NULL: it could */
    int is_handed_over;
    int keeps_header; /**< trailers stay out of it, MergeTrailers or not */
} whk_captured_body_t;

/** register_hooks: make the filters known. */
void whk_captured_body_register_filters(void);

/** post_read_request, where the server verifies or signs webhooks. DECLINED. */
int whk_captured_body_post_read_request(request_rec *r);

/** Read the body of the request that the client sent, as it sent it, once: whoever asks again gets
 * the same. A chunked body has a length from then on.
 * @param initial  the first of a chain of redirects and subrequests
 * @param limit most bytes that it may have for whoever asks
 * @return as whk_body_read(); invalid_request where another handler has read of it */
const whk_outcome_t *whk_captured_body_read(request_rec *initial, apr_int64_t limit,
                                            const whk_captured_body_t **body);

/** True where whk_captured_body_read() has read it, or tried to. */
int whk_captured_body_is_read(const request_rec *initial);

/** True where it tried, and did not get it whole: nobody can be given it any more. */
int whk_captured_body_is_broken(const request_rec *initial);

/** What was captured; NULL: nothing. */
const whk_captured_body_t *whk_captured_body_if_read(const request_rec *initial);

/** True where nothing was captured, or no byte. */
int whk_captured_body_is_empty(const request_rec *initial);

/** True where a handler has it already, or a part of it, so that another one would get less. */
int whk_captured_body_is_consumed(const request_rec *initial);

/** What comes behind a body that nobody captured is not added to the header any more: the handler
 * may look at that after it has read the body. */
void whk_captured_body_keep_header(const request_rec *initial);

/** From now on who reads the body of `r` gets what was captured and nothing else, whatever filters
 * stand in its chain. The first time it is the whole body, also where a filter or module has looked
 * at it meanwhile; later what is left of it. Without a captured body the body is at its end. */
void whk_captured_body_insert_filter(request_rec *r, request_rec *initial);
