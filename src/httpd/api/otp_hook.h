/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The one-time password step: after authorisation, before the body. */

#include <httpd.h>

#include "httpd/mod_webhook_keys.h"

/** The built-in provider: RFC 6238, over the registry's store. */
extern const whk_otp_provider_t whk_totp_provider;

/** fixups: check the code of a request that needs one, and complete its caller. */
int whk_otp_hook_fixups(request_rec *r);
