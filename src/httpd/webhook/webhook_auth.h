/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `AuthType WebhookSignature` and `Require valid-webhook`: which locations they guard, and who is
 * let in. */

#include <httpd.h>

#include <mod_auth.h>

#include "httpd/webhook/request_verification.h"

/** check_access_ex: a location whose configuration lets nobody be asked is closed. */
int whk_webhook_auth_check_access_ex(request_rec *r);

/** check_authn: DECLINED where the AuthType is another's. */
int whk_webhook_auth_check_authn(request_rec *r);

/** check_authz, before mod_authz_core's: whoever is let through unverified is nobody. DECLINED. */
int whk_webhook_auth_check_authz(request_rec *r);

/** `Require valid-webhook`. */
extern const authz_provider whk_webhook_authz_provider;

/** fixups: what was verified is in the environment after an internal redirect too; and whoever
 * comes this far was granted access. */
int whk_webhook_auth_fixups(request_rec *r);

/** True where the location of `r` is one of webhooks: it has WebhookKeysSignature in a section, or
 * our AuthType. */
int whk_webhook_auth_is_required(const request_rec *r);

/** What is amiss with the configuration of such a location; NULL: nothing. */
const whk_outcome_t *whk_webhook_auth_check_location(request_rec *r);

/** True where the Require lines of its location were asked, and granted access. */
int whk_webhook_auth_granted_access(const request_rec *r);

/** True where WebhookKeysEnforce is Off in the location of `r`, by which a request that was not
 * accepted can go on there: not a tunnel, nor one whose body broke off, nor where the location's
 * configuration lets nobody in. */
int whk_webhook_auth_may_overlook(request_rec *r, const whk_verification_t *verification);

/** r->user is the key that signed. */
void whk_webhook_auth_set_user(request_rec *r, const whk_verification_t *verification);
