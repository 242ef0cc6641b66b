/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The variables WEBHOOK_VERDICT, WEBHOOK_ENTERPRISE, WEBHOOK_KEY_ID, WEBHOOK_ALG and
 * WEBHOOK_SIGNED_AT of a request. */

#include "httpd/webhook/request_verification.h"

/** Who signed, and the verdict `ok`. */
void whk_webhook_environment_set_signer(request_rec *r, const whk_verification_t *verification);

/** Nobody signed. @param verdict NULL: it stays as it is */
void whk_webhook_environment_unset_signer(request_rec *r, const char *verdict);
