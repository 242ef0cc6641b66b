/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The error response to a webhook that gets no further: JSON, though its location is anybody's. */

#include <httpd.h>

#include "model/outcome.h"

/** whk_request_stop() for a webhook. Its sender's fault is a 401, whatever status the code has in
 * responses of the API.
 * @return its status */
int whk_webhook_stop(request_rec *r, const whk_outcome_t *outcome);

/** The same for a request whose answer does not go on. Whatever is wrong with it is a 502, but for
 * what is our own fault; the reason is for the log, since it may repeat words of the answer.
 * @return its status */
int whk_webhook_stop_answer(request_rec *r, const whk_outcome_t *outcome);

/** insert_error_filter: for what was so stopped, itself or by a subrequest of it. */
void whk_webhook_errors_insert_error_filter(request_rec *r);
