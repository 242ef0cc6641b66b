/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `Require webhook-keys-admin`: the user, whoever authenticated them, is an admin of the
 * enterprise in the path. */

#include <httpd.h>
#include <mod_auth.h>

extern const authz_provider whk_authz_admin_provider;

/** check_access_ex: 404, 405 and OPTIONS, for which nobody needs to be known, come before the 401.
 */
int whk_authz_admin_check_access_ex(request_rec *r);

/** check_authz, before any other: note that authentication was passed. DECLINED. */
int whk_authz_admin_check_authz(request_rec *r);
