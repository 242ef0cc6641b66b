/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Error responses as JSON (docs/api.md, "Errors"): their text and header fields, and the output
 * filter that puts them in the place of what httpd would say. */

#include <httpd.h>

#include "model/outcome.h"

/** The content of the error response for an outcome, with this status. */
const char *whk_error_response_text(request_rec *r, const whk_outcome_t *outcome, int status);

/** Retry-After, Allow, and for a r->status of 401 WWW-Authenticate and Accept-Signature, where they
 * are due. */
void whk_error_response_set_headers(request_rec *r, const whk_outcome_t *outcome);

/** What every response of ours has, be it an error or not: it is not stored, and not sniffed. */
void whk_error_response_set_common_headers(apr_table_t *headers);

/** No operator's ErrorDocument takes the place of an error response to this request. */
void whk_error_response_disable_error_documents(request_rec *r);

/** insert_error_filter: the response of httpd's own becomes ours.
 * @param outcome what it says; the status is that of r->status, or of whk_request_stop() if that
 *                was called */
void whk_error_response_insert_filter(request_rec *r, const whk_outcome_t *outcome);

/** register_hooks: make the filter known. */
void whk_error_response_register_filter(void);
