/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The resources themselves, behind all checks. */

#include <httpd.h>

/** handler: serve a request to a location with `SetHandler webhook-keys`. */
int whk_api_handler(request_rec *r);
