/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Who started us, and on whose behalf we work. */

#include <apr_pools.h>
#include <sys/types.h>

#include "ctl/httpd_config.h"

/** The name of the unix user who started us, or the number where it has no name. */
const char *whk_identity_name(apr_pool_t *pool, uid_t user);

/** Where we are root: become another user for good, groups included. Otherwise, or to stay root,
 * nothing happens. @param group used where the user has no entry in the system's user database
 * @return NULL, or a sentence that says why not */
const char *whk_identity_become(apr_pool_t *pool, uid_t user, gid_t group);

/** Who httpd's children run as, and the group of that user. @return NULL, or a sentence */
const char *whk_identity_of_httpd(const whk_httpd_user_t *httpd, uid_t *user, gid_t *group);
