/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_API_HANDLER_H
#define WHK_HTTPD_API_HANDLER_H

/**
 * @file httpd/api/handler.h
 * The resources themselves, behind all checks.
 */

#include <httpd.h>

/** handler: serve a request to a location with `SetHandler webhook-keys`. */
int whk_api_handler(request_rec *r);

#endif
