/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_OTHER_DIRECTIVES_H
#define WHK_HTTPD_OTHER_DIRECTIVES_H

/**
 * @file httpd/other_directives.h
 * Directives of other modules, of which we are told too (httpd hands a directive to each module
 * that has it in its table): those modules tell nobody what they were given.
 */

#include <httpd.h>

#include <http_config.h>

#include "httpd/config.h"

/** The end of whk_directives. */
#define WHK_OTHER_DIRECTIVES                                                                       \
    AP_INIT_RAW_ARGS("Require", whk_read_require, NULL, OR_AUTHCFG, "see mod_authz_core"),         \
        AP_INIT_TAKE1("AuthMerging", whk_read_auth_merging, NULL, OR_AUTHCFG,                      \
                      "see mod_authz_core")

/** A location of webhooks is closed where nothing there asks for a signature. */
const char *whk_read_require(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_read_auth_merging(cmd_parms *cmd, void *config, const char *how);

/** As mod_authz_core has it: a section's own lines take the place of those around it. */
void whk_requirements_merge(whk_config_t *merged, const whk_config_t *over);

#endif
