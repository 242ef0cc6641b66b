/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `openapi.json`: docs/openapi.json as it was when the module was built (WebhookKeysOpenAPI). */

#include <httpd.h>

/** The text; made by src/httpd/api/embed_openapi.sh. */
extern const char whk_openapi_text[];

/** Respond with the description, whose server is the location that was asked. OK or a status. */
int whk_openapi_respond(request_rec *r);
