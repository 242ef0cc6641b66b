/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_API_API_RESPONSE_H
#define WHK_HTTPD_API_API_RESPONSE_H

/**
 * @file httpd/api/api_response.h
 * The one place that turns outcomes and values into answers: JSON, with its headers (docs/api.md,
 * "Paths" and "Errors").
 */

#include <httpd.h>
#include <jansson.h>

#include "model/outcome.h"

/** Answer with a value; takes the reference. @return what a handler returns */
int whk_api_respond(request_rec *r, int status, json_t *value);

/**
 * Answer with a value that may be kept for `max_age` seconds; takes the reference. 304 where the
 * client has it (RFC 9110, section 13.1.2).
 */
int whk_api_respond_cacheable(request_rec *r, json_t *value, int max_age);

/** Answer with an outcome, and log what its operator should know. @return what a handler returns */
int whk_api_respond_outcome(request_rec *r, const whk_outcome_t *outcome);

/** Answer `OPTIONS`. @return what a handler returns */
int whk_api_respond_options(request_rec *r, const char *allow);

/**
 * pre_translate_name: where the location is ours, answers of httpd's own must not be replaced by an
 * operator's ErrorDocument, and every answer carries our headers. DECLINED.
 */
int whk_answer_claim(request_rec *r);

/** From now on no ErrorDocument takes the place of an answer of this request. */
void whk_answer_claim_errors(request_rec *r);

/** insert_error_filter: answers that httpd's core or another module makes become JSON too. */
void whk_answer_insert_error_filter(request_rec *r);

/** register_hooks: make the filter known. */
void whk_answer_register_filter(void);

#endif
