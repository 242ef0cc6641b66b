/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The gate in front of each handler of a location with WebhookKeysSignature: what is not signed by
 * a registered key of the enterprise gets no further. */

#include <httpd.h>

/**
 * handler, before all others: whatever request of a chain of redirects and subrequests it is that a
 * handler runs in, it gets the bytes that were verified by the rules of its own location, and
 * learns from us who signed them; or it does not run. DECLINED, or the status of the refusal. */
int whk_webhook_gate_handler(request_rec *r);
