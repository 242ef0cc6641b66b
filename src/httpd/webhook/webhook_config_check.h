/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What can be seen of locations of webhooks in the configuration as it is written, before a
 * request comes: webhook_auth.c closes at run time what can't be seen here. */

#include <httpd.h>

/** check_config. Each flaw is logged with its line: WebhookKeysSignature where neither its section
 * nor one that may be in force with it has AuthType WebhookSignature or a Require; an input filter
 * there; Require all granted as an alternative to Require valid-webhook.
 * @return OK, or an HTTP status to stop at */
int whk_webhook_sections_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                               server_rec *s);
