/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A database that is away: one line of the log when it goes and one when it is back, of all
 * processes of a node together, in the place of one for each request and task that meets it. */

#include <httpd.h>

#include "model/outcome.h"

/** post_config, after the settings of all servers are known: memory for all processes, and mod_dbd
 * is made silent where we tell what it would, unless the operator gave it a LogLevel or wants to
 * debug. OK. */
int whk_database_watch_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *s);

/** A connection to the database of a server was asked for. @param outcome NULL: it is good */
void whk_database_watch_report(server_rec *s, apr_pool_t *pool, const whk_outcome_t *outcome);

/** True where the database is away, and this outcome says no more than that. */
int whk_database_watch_explains(const server_rec *s, const whk_outcome_t *outcome);

/** Since when the database of a server is away, by whk_clock_now(); 0: it is there. */
apr_time_t whk_database_watch_away_since(const server_rec *s);

/** A request was answered for that reason, which is counted into the line of when it is back. */
void whk_database_watch_count(const server_rec *s);

/** A background task of the node kept silent about that it fails, as it is explained. */
void whk_database_watch_keep_silent(const server_rec *s);

/** True once where it did: it need not tell that it works again. */
int whk_database_watch_was_silent(const server_rec *s);
