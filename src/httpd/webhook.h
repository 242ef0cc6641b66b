#ifndef WHK_HTTPD_WEBHOOK_H
#define WHK_HTTPD_WEBHOOK_H

/**
 * @file httpd/webhook.h
 * `AuthType WebhookSignature` and `Require valid-webhook` (contract, section 8): what is not signed
 * by a registered key of the enterprise gets no further.
 */

#include <httpd.h>

#include <mod_auth.h>

/** check_authn: DECLINED where the AuthType is another's. */
int whk_webhook_check(request_rec *r);

/** `Require valid-webhook`. */
extern const authz_provider whk_webhook_provider;

/** fixups: what was verified is in the environment after an internal redirect too. */
int whk_webhook_carry(request_rec *r);

/** log_transaction: a webhook that could not be delivered may be sent again. */
int whk_webhook_end(request_rec *r);

#endif
