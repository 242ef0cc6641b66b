/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_WEBHOOK_WEBHOOK_GATE_H
#define WHK_HTTPD_WEBHOOK_WEBHOOK_GATE_H

/**
 * @file httpd/webhook/webhook_gate.h
 * `AuthType WebhookSignature`, `Require valid-webhook`, and the gate in front of each handler of a
 * location with WebhookKeysSignature: what is not signed by a registered key of the enterprise gets
 * no further.
 */

#include <httpd.h>

#include <mod_auth.h>

/** check_access_ex: a location whose configuration lets nobody be asked is closed. */
int whk_webhook_check_location(request_rec *r);

/** check_authn: DECLINED where the AuthType is another's. */
int whk_webhook_check(request_rec *r);

/** `Require valid-webhook`. */
extern const authz_provider whk_webhook_provider;

/** fixups: what was verified is in the environment after an internal redirect too; and whoever
 * comes this far had access. */
int whk_webhook_carry(request_rec *r);

/**
 * handler, before all others: whatever request of a chain of redirects and subrequests it is that a
 * handler runs in, it gets the bytes that were verified by the rules of its own location, and
 * learns from us who signed them; or it does not run. DECLINED, or the status of the refusal.
 */
int whk_webhook_gate(request_rec *r);

#endif
