/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Directives of other modules, of which we are told too: those modules tell nobody what they were
 * given. httpd hands a directive to every module that has one of its name, so what is known here is
 * what was processed: neither what stands in a section that does not count, nor what a macro did
 * not make. */

#include <httpd.h>

#include <http_config.h>

#include "httpd/config.h"
#include "httpd/server_state.h"

/** The end of whk_directives. */
#define WHK_OTHER_DIRECTIVES                                                                       \
    AP_INIT_RAW_ARGS("Require", whk_read_require, NULL, OR_AUTHCFG, "see mod_authz_core"),         \
        AP_INIT_TAKE1("AuthMerging", whk_read_auth_merging, NULL, OR_AUTHCFG,                      \
                      "see mod_authz_core"),                                                       \
        AP_INIT_RAW_ARGS("DBDriver", whk_read_dbd_driver, NULL, RSRC_CONF, "see mod_dbd"),         \
        AP_INIT_RAW_ARGS("DBDParams", whk_read_dbd_params, NULL, RSRC_CONF, "see mod_dbd"),        \
        AP_INIT_RAW_ARGS("SetHandler", whk_read_set_handler, NULL, OR_FILEINFO, "see core"),       \
        AP_INIT_RAW_ARGS("ServerName", whk_read_server_name, NULL, RSRC_CONF, "see core")

/** A location of webhooks is closed where nothing there asks for a signature. */
const char *whk_read_require(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_read_auth_merging(cmd_parms *cmd, void *config, const char *how);

/** As mod_authz_core has it: a section's own lines take the place of those around it. */
void whk_requirements_merge(whk_config_t *merged, const whk_config_t *over);

const char *whk_read_dbd_driver(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_read_dbd_params(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_read_set_handler(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_read_server_name(cmd_parms *cmd, void *config, const char *arguments);

/** What they say of a server, and of the main one where it has none of its own: field by field, as
 * mod_dbd merges. */
whk_other_settings_t whk_other_settings_of(const server_rec *s, const server_rec *main_server);
