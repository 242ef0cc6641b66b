/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The header fields of a webhook on its way to a handler. Both give `r` a table of its own: what
 * the client sent stays as it is, since another location may have to verify it too. */

#include <httpd.h>

#include "httpd/webhook/request_verification.h"

/**
 * What may have been verified gets through: mod_proxy drops whatever the client's Connection lists,
 * so nothing but hop-by-hop fields (RFC 9110, section 7.6.1) stays in it. Upgrade goes, since
 * nothing that follows one is signed; and so does a field whose name a backend may take for that of
 * another one which is there too (`X_Event` beside `X-Event`). */
void whk_backend_headers_sanitize(request_rec *r);

/**
 * Set Webhook-Enterprise, Webhook-Key-Id, Webhook-Alg and, where known, Webhook-Signed-At, in place
 * of whatever came under these names or others that a backend may take for them.
 * @param verification NULL: nobody is known, and nothing of these names goes on */
void whk_backend_headers_set_signer(request_rec *r, const whk_verification_t *verification);
