/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The header fields of a webhook on its way to a handler, and of an answer. All give `r`
 * tables of its own: what the client sent stays as it is, since another location may have to verify
 * it too. */

#include <httpd.h>

#include "httpd/webhook/request_verification.h"

/**
 * What may have been verified gets through: mod_proxy drops whatever the client's Connection lists,
 * so nothing but hop-by-hop fields (RFC 9110, section 7.6.1) stays in it. Upgrade goes, since
 * nothing that follows one is signed; and so does a field whose name a backend may take for that of
 * another one which is there too (`X_Event` beside `X-Event`). */
void whk_backend_headers_sanitize(request_rec *r);

/** Set these fields in the place of whatever came under their names or others that a backend may
 * take for them. */
void whk_backend_headers_replace(request_rec *r, const apr_table_t *fields);

/**
 * Set Webhook-Enterprise, Webhook-Key-Id, Webhook-Alg and, where known, Webhook-Signed-At, and the
 * Webhook-Verdict `ok`, in place of whatever came under these names or others that a backend may
 * take for them. */
void whk_backend_headers_set_signer(request_rec *r, const whk_verification_t *verification);

/**
 * The same where nobody is known: Webhook-Verdict alone goes on.
 * @param verdict NULL: nothing of these names does */
void whk_backend_headers_set_verdict(request_rec *r, const char *verdict);

/** Set Webhook-Key-Id and Webhook-Alg on a verified answer, in place of whatever its backend sent
 * under any of the names above or others like them. */
void whk_answer_headers_set_signer(request_rec *r, const whk_webhook_t *signer);
