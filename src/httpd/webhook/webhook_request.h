/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the hooks of a webhook's request hand on to each other, along its chain of subrequests and
 * internal redirects too. */

#include "httpd/request.h"

typedef struct whk_webhook_request_t {
    struct whk_verification_t *verification; /**< by the rules of its location; NULL: none was
                                                  asked for */
    int access_checked;                      /**< check_access_ex of its location was called */
    struct whk_response_t *response; /**< how its answer is to be signed; NULL: it need not be */
    int hidden_method;               /**< from mod_cache: the method's number and 1; 0: none was */
    int is_overlooked;    /**< in its location WebhookKeysEnforce is Off, and it was not accepted */
    int is_stopped;       /**< by whk_webhook_stop() */
    int awaits_proxy;     /**< mod_proxy is to say what is to be signed */
    int is_signed;        /**< by WebhookKeysSign */
    const char *sent_url; /**< that mod_proxy asks; NULL: not known */
    const char *sent_host; /**< as Host, with that */

    /* Of the initial request alone. */
    apr_table_t *headers;              /**< as they came; whoever changes them makes a copy first */
    apr_array_header_t *verifications; /**< whk_verification_t * of the whole chain; NULL: none */
    whk_error_t subrequest_error;      /**< that a request of its chain was stopped with */
} whk_webhook_request_t;

/** Made at the first call. */
whk_webhook_request_t *whk_webhook_request_of(request_rec *r);

/** The same, and NULL where none was made yet. */
whk_webhook_request_t *whk_webhook_request_if_any(const request_rec *r);

/** What the client sent: the first of a chain of redirects and subrequests. */
request_rec *whk_initial_request(request_rec *r);
