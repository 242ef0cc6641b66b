/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Locations with WebhookKeysResponse: what has to be known before a handler runs there, and what
 * is left of an answer where it did not come through the filter. */

#include <httpd.h>

/** Handler hook, behind the gate of webhooks and before all that answer. */
int whk_response_gate_handler(request_rec *r);

/** Handler hook, right behind mod_cache's. */
int whk_response_gate_after_cache(request_rec *r);

/** insert_error_filter: an error that a backend chose is not passed on, one of httpd's own is. */
void whk_response_gate_insert_error_filter(request_rec *r);
