/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_CONFIG_NOTES_H
#define WHK_HTTPD_CONFIG_NOTES_H

/**
 * @file httpd/config_notes.h
 * What is noted while the configuration is read, beside what each directive of ours sets: times of
 * all places, and what other modules are told, which they tell nobody. httpd hands a directive to
 * every module that has one of its name, so what is noted is what was processed: neither what
 * stands in a section that does not count, nor what a macro did not make.
 */

#include <httpd.h>

#include <http_config.h>

#include "httpd/config.h"

/** The longest WebhookKeysMaxAge and WebhookKeysClockSkew of all places: what one of them finds too
 * old, another may not. */
typedef struct whk_longest_times_t {
    apr_interval_time_t max_age;
    apr_interval_time_t clock_skew;
} whk_longest_times_t;

/** pre_config: no place is known yet. */
void whk_config_forget_times(void);

/** post_config. */
whk_longest_times_t whk_config_longest_times(const server_rec *s);

/** What a directive says, 0: not this one. Defaults are those of servers, which may have others. */
void whk_config_note_times(apr_interval_time_t max_age, apr_interval_time_t clock_skew);

/** Directives of mod_authz_core, mod_dbd and core that we hear of too: rows of a table of commands.
 */
#define WHK_NOTED_DIRECTIVES                                                                       \
    AP_INIT_RAW_ARGS("Require", whk_config_note_require, NULL, OR_AUTHCFG, "see mod_authz_core"),  \
        AP_INIT_TAKE1("AuthMerging", whk_config_note_merging, NULL, OR_AUTHCFG,                    \
                      "see mod_authz_core"),                                                       \
        AP_INIT_RAW_ARGS("DBDriver", whk_config_note_driver, NULL, RSRC_CONF, "see mod_dbd"),      \
        AP_INIT_RAW_ARGS("DBDParams", whk_config_note_params, NULL, RSRC_CONF, "see mod_dbd"),     \
        AP_INIT_RAW_ARGS("SetHandler", whk_config_note_handler, NULL, OR_FILEINFO, "see core")

const char *whk_config_note_require(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_config_note_merging(cmd_parms *cmd, void *config, const char *how);
const char *whk_config_note_driver(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_config_note_params(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_config_note_handler(cmd_parms *cmd, void *config, const char *arguments);

/** What was noted of a server, and of the main one where it has none of its own: field by field, as
 * mod_dbd merges. */
whk_server_notes_t whk_config_notes_of(const server_rec *s, const server_rec *main_server);

#endif
