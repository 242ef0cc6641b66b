/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_API_AUTHN_BEARER_H
#define WHK_HTTPD_API_AUTHN_BEARER_H

/**
 * @file httpd/api/authn_bearer.h
 * `AuthType Bearer`: RFC 6750, `Authorization` header only.
 */

#include <httpd.h>

/** check_authn: sets r->user of a good token; DECLINED where another module serves this AuthType.
 */
int whk_authn_bearer_check_authn(request_rec *r);

#endif
