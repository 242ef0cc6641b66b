/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** One block of numbers for all processes of a httpd, over reloads: counted without a lock by
 * whoever has something to count, and read by whoever shows them.
 *
 * It is a file that is mapped, so that whkctl reads it while httpd serves, and whatever httpd does.
 * Each thread counts in one of WHK_STRIPES parts by atomics that it mostly has for itself; whoever
 * reads adds them up. What was counted stays when a child ends, or is killed. Where there is no
 * block, as in whkctl and unit programs, nothing is counted. */

#include <apr_pools.h>
#include <apr_time.h>

#include "metrics/block.h"
#include "metrics/series.h"

#define WHK_STRIPES 64

/** Make the block, empty, in a file that only its owner reads; one that is there is replaced. It
 * goes with `pool`, and so does the file. */
apr_status_t whk_metrics_create(whk_metrics_t **metrics, const char *file, apr_pool_t *pool);

/** Map the block of a file, to read it.
 * @param flaw set to what is wrong, "must …" */
apr_status_t whk_metrics_open(const whk_metrics_t **metrics, const char *file, const char **flaw,
                              apr_pool_t *pool);

/** From here on this process, and those that it forks, count there; NULL: nowhere. */
void whk_metrics_use(whk_metrics_t *metrics);

/** Where this process counts; NULL: nowhere. */
whk_metrics_t *whk_metrics_used(void);

/* ---- counting: any thread ---- */

/** Of a counter: one more. `first` and `second` are words of its labels, 0 where it has none. */
void whk_metrics_count(whk_series_id_t series, int first, int second);

/** Of a histogram. */
void whk_metrics_observe(whk_series_id_t series, int first, apr_interval_time_t spent);

/** Of a gauge, or an age, which is a whk_clock_now(); 0: none. */
void whk_metrics_set(whk_series_id_t series, int first, apr_int64_t value);

/** Of a gauge that is the sum of what each process has: `share` is this one's. It counts as long as
 * the process is there. */
void whk_metrics_set_share(whk_series_id_t series, apr_int64_t share);

/** This process ends, and another may get its number. */
void whk_metrics_leave(void);

/* ---- reading ---- */

/** A counter; a gauge; an age in microseconds, as of now. */
apr_int64_t whk_metrics_value(const whk_metrics_t *metrics, whk_series_id_t series, int first,
                              int second);

/** A counter's sum over all words of its labels. */
apr_int64_t whk_metrics_total(const whk_metrics_t *metrics, whk_series_id_t series);

typedef struct whk_histogram_t {
    apr_int64_t buckets[WHK_BUCKETS + 1]; /**< each alone */
    apr_int64_t count;
    apr_int64_t sum; /**< microseconds */
} whk_histogram_t;

void whk_metrics_histogram(const whk_metrics_t *metrics, whk_series_id_t series, int first,
                           whk_histogram_t *histogram);

/** The time, in microseconds, below which so many of a hundred were, taken as spread evenly in
 * their bucket; 0 where there is none. */
apr_int64_t whk_histogram_percentile(const whk_histogram_t *histogram, int percent);

/** When httpd was started: wall time. */
apr_time_t whk_metrics_started(const whk_metrics_t *metrics);

/** Whether this version of the module can count in a block that it did not make. Its layout is
 * known to be WHK_METRICS_LAYOUT. */
int whk_metrics_is_of_this_version(const whk_metrics_t *metrics);

/** The version of the module that made the block. */
const char *whk_metrics_version(const whk_metrics_t *metrics);
