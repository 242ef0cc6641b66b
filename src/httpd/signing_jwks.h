/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `SetHandler webhook-keys-signing-jwks`: the public halves of the signing keys, for all. */

#include <httpd.h>

/** The name that `SetHandler` gives to such a location. */
#define WHK_SIGNING_JWKS_HANDLER "webhook-keys-signing-jwks"

/** handler: answers GET, HEAD and OPTIONS. */
int whk_signing_jwks_handler(request_rec *r);
