/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A clock that nobody sets: for whatever is an interval within this process, or within the
 * processes of a machine that runs. */

#include <apr_time.h>

/** How far the clocks of a fleet's nodes may be apart: a time that was written by another node may
 * be so much further ahead than what could be written here. */
#define WHK_CLOCKS_APART apr_time_from_sec(60)

/** Since some moment before the start of this process; never 0, and never steps back. */
apr_time_t whk_clock_now(void);
