/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `WebhookKeysEnforce Off`: what would be stopped goes on to the handler, is counted, and is
 * logged a line a minute at most for each reason and each such directive, whatever process met it.
 */

#include <httpd.h>

#include <http_config.h>

#include "httpd/server_state.h"
#include "model/outcome.h"

/** One such directive, as long as the configuration. */
typedef struct whk_rollout_t {
    const char *place;                    /**< `FILE:LINE` */
    const char *what;                     /**< for the line of what was counted */
    struct whk_limited_count_t *counters; /**< by code; of all processes of the node */
    struct whk_rollout_t *next;           /**< another of the same server; NULL: the last */
} whk_rollout_t;

/** Where the directive is read. It counts in this process until post_config. */
whk_rollout_t *whk_rollout_create(const cmd_parms *cmd);

/** For the row of the directive: the server, or a section in it, has this value. */
void whk_rollout_update_server(whk_server_t *server, const void *enforce);

/** A request went on that `outcome` would have stopped. */
void whk_rollout_count(const whk_rollout_t *rollout, request_rec *r, const whk_outcome_t *outcome);

/** check_config: `apachectl configtest` warns of the directives. OK. */
int whk_rollout_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** post_config: so does a start or reload; and from here on all processes count together. OK. */
int whk_rollout_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
