/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_API_BEARER_H
#define WHK_HTTPD_API_BEARER_H

/**
 * @file httpd/api/bearer.h
 * `AuthType Bearer`: RFC 6750, `Authorization` header only.
 */

#include <httpd.h>

/** check_authn: sets r->user of a good token; DECLINED where another module serves this AuthType.
 */
int whk_bearer_check(request_rec *r);

#endif
