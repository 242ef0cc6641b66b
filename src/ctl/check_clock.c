/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_time.h>

#include "ctl/check.h"
#include "store/database_clock.h"

/* Planned revocations and times of signatures are held to the second; a code is good for one step
 * of 30 s around the time. */
#define TOLD apr_time_from_sec(1)
#define BAD apr_time_from_sec(30)

void whk_check_clock(whk_check_t *check)
{
    apr_interval_time_t ahead, size, error, apart;
    const whk_outcome_t *outcome =
        whk_store_clock_ahead(check->invocation->store, check->invocation->pool, &ahead, &error);

    if (outcome) {
        whk_check_report_outcome(check, WHK_CHECK_CLOCK_DATABASE, outcome);
        return;
    }
    size = ahead < 0 ? -ahead : ahead;
    apart = size - error;
    if (apart < TOLD)
        whk_check_report(check, WHK_CHECK_CLOCK_DATABASE, WHK_FOUND_OK, NULL,
                         "the database has the time of this machine");
    else
        whk_check_report(check, WHK_CHECK_CLOCK_DATABASE,
                         apart < BAD ? WHK_FOUND_NOTICE : WHK_FOUND_PROBLEM,
                         "run timedatectl here and at the database, and on the one that is wrong "
                         "timedatectl set-ntp true",
                         "the clock of the database is %" APR_TIME_T_FMT " s %s this machine's",
                         apr_time_sec(size), ahead > 0 ? "ahead of" : "behind");
}
