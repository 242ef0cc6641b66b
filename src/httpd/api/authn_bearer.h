/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `AuthType Bearer`: RFC 6750, `Authorization` header only. */

#include <httpd.h>

/** check_authn: sets r->user of a good token; DECLINED where another module serves this AuthType.
 */
int whk_authn_bearer_check_authn(request_rec *r);
