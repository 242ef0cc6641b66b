/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What handlers of ours answer with, JSON each time. */

#include <httpd.h>

#include "model/outcome.h"

/** Respond with this status and JSON text, and discard the request's body. OK. */
int whk_respond_text(request_rec *r, int status, const char *text);

/** Respond with 200, or 304 where the client has it already.
 * @param etag          quoted
 * @param cache_control the header's value */
int whk_respond_cacheable_text(request_rec *r, const char *text, const char *etag,
                               const char *cache_control);

/** whk_request_stop(), and say so. OK. */
int whk_respond_error(request_rec *r, const whk_outcome_t *outcome);

/** Respond to OPTIONS. OK. */
int whk_respond_options(request_rec *r, const char *allow);
