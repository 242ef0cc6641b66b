/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A moment as it is stored and shown: UTC, in whole milliseconds. */

#include <apr_pools.h>
#include <apr_time.h>

/** UTC with milliseconds and `Z` (RFC 3339), as `2026-01-12T10:30:00.000Z`. */
const char *whk_time_format(apr_pool_t *pool, apr_time_t when);

/** Read one (RFC 3339, section 5.6) with whatever offset; what is finer than milliseconds is cut
 * off. Neither a leap second nor what was before 1970 is one. @return 0: it is none, and nothing
 * was set */
int whk_time_parse(const char *text, apr_time_t *when);

/** The current time, cut to the milliseconds that the store keeps. */
apr_time_t whk_time_now(void);
