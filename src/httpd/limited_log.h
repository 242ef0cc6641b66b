/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Lines of the log that a client can cause: so many a minute, whatever process met it, and those
 * beyond as a count in one line, once the minute is over and when httpd stops or reloads. */

#include <httpd.h>

#include "httpd/request.h"
#include "model/limited_count.h"

/** An array of these is a set of counters, by code. */
#define WHK_LIMITED_COUNTERS_SIZE (WHK_CODE_COUNT * sizeof(whk_limited_count_t))

/** A request was stopped at a door with this code: may that be logged? What it was is told in
 * whk_request_t; where it may not be, that is counted. */
int whk_limited_log_may(request_rec *r, whk_door_t door, whk_code_t code);

/** The same by counters of one's own. @param most so many a minute */
int whk_limited_log_may_by(request_rec *r, whk_limited_count_t *counters, const char *what,
                           apr_uint32_t most, whk_code_t code);

/** post_config: counters of one's own, for all processes; in this one's memory alone where there is
 * no other. @param what what is counted, in the words of the line, as `webhooks refused`
 * @return an array of WHK_CODE_COUNT, by code, as long as `pconf` */
whk_limited_count_t *whk_limited_log_counters(apr_pool_t *pconf, server_rec *s, const char *what);

/** post_config. OK. */
int whk_limited_log_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

/** monitor: the parent tells what was counted, every ten seconds. OK. */
int whk_limited_log_monitor(apr_pool_t *pool, server_rec *s);

/** A name that a client sent, as it may stand in a line: at most 100 bytes of printable ASCII, all
 * others and quotes, brackets and backslashes as %hh. @return `-` for NULL */
const char *whk_log_name(apr_pool_t *pool, const char *name);
