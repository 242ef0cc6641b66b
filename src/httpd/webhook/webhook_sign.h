/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** WebhookKeysSign: what a location hands to its handler is signed, or goes nowhere.
 *
 * The last of ours before a handler captures the body, as for verifying, and signs. What mod_proxy
 * takes it signs later, when that tells the URL (sent_request.h), anew for each attempt. */

#include <httpd.h>

/** pre_config, after whk_sent_request_pre_config(): be called by mod_proxy. OK. */
int whk_webhook_sign_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** handler, behind the gate and before all others: DECLINED, or the status of the error. */
int whk_webhook_sign_handler(request_rec *r);

/** handler, behind mod_proxy's: nobody else gets what that was to send. */
int whk_webhook_sign_after_proxy(request_rec *r);
