/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the handler answers with: values and outcomes as JSON, with their headers (docs/api.md,
 * "Paths" and "Errors"). */

#include <httpd.h>
#include <jansson.h>

#include "model/outcome.h"

/** Respond with a value; takes the reference. @return what a handler returns */
int whk_api_respond(request_rec *r, int status, json_t *value);

/** Respond with a value that may be kept for `max_age` seconds; takes the reference. 304 where the
 * client has it (RFC 9110, section 13.1.2). */
int whk_api_respond_cacheable(request_rec *r, json_t *value, int max_age);

/** Respond with an outcome, as whk_request_stop() does for it. @return what a handler returns */
int whk_api_respond_error(request_rec *r, const whk_outcome_t *outcome);

/** Respond to `OPTIONS`. @return what a handler returns */
int whk_api_respond_options(request_rec *r, const char *allow);
