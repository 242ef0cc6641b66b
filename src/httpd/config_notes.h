/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_CONFIG_NOTES_H
#define WHK_HTTPD_CONFIG_NOTES_H

/**
 * @file httpd/config_notes.h
 * What is noted while the configuration is read, beside what each directive of ours sets: times of
 * all places, and what mod_authz_core is told, which it tells nobody.
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

/** The directives Require and AuthMerging. */
const char *whk_config_note_require(cmd_parms *cmd, void *config, const char *arguments);
const char *whk_config_note_merging(cmd_parms *cmd, void *config, const char *how);

#endif
