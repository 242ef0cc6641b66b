/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Is this answer signed by a key of the enterprise, and does it say what it must? */

#include <httpd.h>

#include "httpd/webhook/response.h"
#include "registry/webhook_signature.h"

/** Judge the answer that is in `r` and has this body; where it is good, its one use is noted.
 * @return NULL, or a reason (docs/errors.md, "Of an answer"), or a 5xx that is our own fault */
const whk_outcome_t *whk_response_verify(request_rec *r, const whk_response_t *response,
                                         const char *body, apr_size_t length,
                                         whk_webhook_t *signer);
