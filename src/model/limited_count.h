/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What may be logged so many times a minute: the first ones one by one, those beyond as a count.
 * Flat memory that several processes share, zeroed at first. No lock is waited for, so a process
 * that is killed in the middle leaves a count that may be short by one, and nothing worse. */

#include <stdatomic.h>

#include <apr_time.h>

#define WHK_LIMITED_MINUTE apr_time_from_sec(60)

/** Bytes of a text that is kept, its end included. */
#define WHK_LIMITED_TEXT 256

typedef struct whk_limited_count_t {
    _Atomic apr_int64_t began;     /**< the minute, by whk_clock_now(); 0: none did */
    _Atomic apr_uint32_t met;      /**< in it */
    _Atomic apr_uint32_t silent;   /**< met beyond the limit, and not reported yet */
    _Atomic apr_uint32_t writing;  /**< somebody writes `last` */
    _Atomic apr_uint64_t names[4]; /**< a bit for each hash of a name that `silent` is about */
    _Atomic apr_uint32_t server;   /**< that the last was for */
    char last[WHK_LIMITED_TEXT];   /**< what it was */
} whk_limited_count_t;

/** What was not logged one by one. */
typedef struct whk_limited_report_t {
    apr_uint32_t count;
    int names;   /**< at least so many different ones */
    int seconds; /**< since the minute began */
    apr_uint32_t server;
    char last[WHK_LIMITED_TEXT];
} whk_limited_report_t;

/** One more was met.
 * @param now    whk_clock_now()
 * @param most   so many of a minute are logged
 * @param name   whose it is, as an enterprise; NULL: nobody's
 * @param server any number that the report is to have
 * @param last   what it was, cut off where it is too long
 * @return 1: log it; 0: it was counted */
int whk_limited_count_add(whk_limited_count_t *count, apr_time_t now, apr_uint32_t most,
                          const char *name, apr_uint32_t server, const char *last);

/** Take what was counted, where its minute is over, or in any case where `at_once` is set. To be
 * called before whk_limited_count_add() as well, which begins a new minute.
 * @return 1: report it; 0: there is nothing */
int whk_limited_count_take(whk_limited_count_t *count, apr_time_t now, int at_once,
                           whk_limited_report_t *report);
