/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_time.h>

#include "ctl/check.h"
#include "metrics/key_set_states.h"
#include "metrics/metrics.h"
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

/* A signature is good for WebhookKeysClockSkew, 30 s, around its time. */
#define ORIGIN_TOLD apr_time_from_sec(10)

void whk_check_origin_clocks(whk_check_t *check)
{
    apr_pool_t *pool = check->invocation->pool;
    const char *file = check->invocation->config.httpd->metrics_file;
    whk_key_set_state_t *states = apr_palloc(pool, sizeof(*states) * WHK_KEY_SETS_KEPT);
    const whk_metrics_t *metrics;
    const char *flaw;
    int count, i;

    if (!file || whk_metrics_open(&metrics, file, &flaw, pool) != APR_SUCCESS)
        return;
    count = whk_key_set_states_read(metrics, states);
    for (i = 0; i < count; i++) {
        apr_interval_time_t ahead = states[i].ahead;
        apr_interval_time_t size = ahead < 0 ? -ahead : ahead;

        if (size > ORIGIN_TOLD)
            whk_check_report(check, WHK_CHECK_CLOCK_KEY_SET, WHK_FOUND_NOTICE,
                             "run timedatectl here; where this clock is right, tell who runs that "
                             "origin, whose webhooks may be refused as expired",
                             "the clock of the origin of %s was %" APR_TIME_T_FMT
                             " s %s this machine's",
                             states[i].uri, apr_time_sec(size), ahead > 0 ? "ahead of" : "behind");
    }
}
