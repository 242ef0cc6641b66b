/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_WEBHOOK_WEBHOOK_SECTIONS_H
#define WHK_HTTPD_WEBHOOK_WEBHOOK_SECTIONS_H

/**
 * @file httpd/webhook/webhook_sections.h
 * What can be seen of locations of webhooks in the configuration as it is written, before a request
 * comes: webhook_auth.c closes at run time what can't be seen here.
 */

#include <httpd.h>

/**
 * check_config. Each flaw is logged with its line: WebhookKeysSignature where neither its section
 * nor one that may be in force with it has AuthType WebhookSignature or a Require; an input filter
 * there; Require all granted as an alternative to Require valid-webhook.
 * @return OK, or an HTTP status to stop at
 */
int whk_webhook_sections_check(apr_pool_t *ptemp, server_rec *s);

#endif
