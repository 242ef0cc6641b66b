/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What is wrong with WebhookKeysSign as the configuration says it, by those sections that are
 * certain to be in force together. What can't be seen here is found when a request comes. */

#include <httpd.h>

/** check_config: refuse WebhookKeysSign where WebhookKeysEnforce is Off, and warn of it where no
 * Require line is. */
int whk_webhook_sign_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
