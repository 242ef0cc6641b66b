#ifndef WHK_HTTPD_WEBHOOK_SECTIONS_H
#define WHK_HTTPD_WEBHOOK_SECTIONS_H

/**
 * @file httpd/webhook_sections.h
 * What can be seen of locations of webhooks in the configuration as it is written, before a request
 * comes: webhook.c closes at run time what can't be seen here.
 */

#include <httpd.h>

#include <http_config.h>

/**
 * check_config. Each flaw is logged with its line: WebhookKeysSignature where neither its section
 * nor one that may be in force with it has AuthType WebhookSignature or a Require; an input filter
 * there; Require all granted as an alternative to Require valid-webhook.
 * @return OK, or an HTTP status to stop at
 */
int whk_webhook_sections_check(apr_pool_t *ptemp, server_rec *s);

/**
 * The directive `Require`, which mod_authz_core takes as well: notes in the section's configuration
 * what is required.
 */
const char *whk_webhook_note_require(cmd_parms *cmd, void *config, const char *arguments);

#endif
