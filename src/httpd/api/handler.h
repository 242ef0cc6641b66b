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

/**
 * pre_translate_name: an encoded slash stays encoded in the path of a location of ours, whatever
 * AllowEncodedSlashes says there: a keyId may hold one. DECLINED.
 */
int whk_handler_keep_slashes(request_rec *r);

/** translate_name, before all others: 404 where the decoded path leads to a location of others. */
int whk_handler_confine_slashes(request_rec *r);

/** translate_name, after all others: the path is ours to map, and TRACE is not served. */
int whk_handler_translate(request_rec *r);

/** map_to_storage: no file or directory is behind our paths. */
int whk_handler_map(request_rec *r);

#endif
