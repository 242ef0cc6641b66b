/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** How the answer to one request is to be signed (WebhookKeysResponse), as it was known before its
 * handler ran: what the backend does afterwards changes none of it. */

#include <httpd.h>

#include <apr_tables.h>

#include "httpd/config.h"

typedef struct whk_response_t {
    whk_config_t rules;
    const char *enterprise_id;
    const apr_array_header_t *claims; /**< whk_expected_claim_t */
    request_rec *sent;                /**< the request that is answered */
    apr_time_t deadline;              /**< by whk_clock_now() */
    /* As they were, so that nothing else is left when an answer is refused. */
    apr_table_t *headers_out;
    apr_table_t *err_headers_out;
    const char *content_type;
} whk_response_t;

/** Nothing of an answer stays in `r`. */
void whk_response_reset(request_rec *r, const whk_response_t *response);

/** True where the handler has begun to answer `r`: from there on an error is no more httpd's own.
 */
int whk_response_has_begun(const request_rec *r, const whk_response_t *response);
