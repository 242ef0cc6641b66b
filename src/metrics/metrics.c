/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_mmap.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "model/clock.h"
#include "model/version.h"

#define MAGIC "whkmetr"
/* A line of cache has eight cells. */
#define CELLS_OF_LINE 8

static whk_metrics_t *used;

/* ---- layout ---- */

static int offsets[WHK_SERIES_COUNT];
static int stripe_size;

static void lay_out(void)
{
    int series;

    stripe_size = 0;
    for (series = 0; series < WHK_SERIES_COUNT; series++) {
        offsets[series] = stripe_size;
        stripe_size += whk_series_size((whk_series_id_t)series);
    }
    stripe_size = (stripe_size + CELLS_OF_LINE - 1) / CELLS_OF_LINE * CELLS_OF_LINE;
}

static apr_size_t block_size(void)
{
    return sizeof(whk_metrics_t) + sizeof(whk_cell_t) * (apr_size_t)stripe_size * WHK_STRIPES;
}

static int cell_of(whk_series_id_t series, int first, int second)
{
    const whk_label_t *labels = whk_series[series].labels;

    return offsets[series] +
           (first * whk_label_count(labels[1]) + second) * whk_series_width(series);
}

/* ---- the file ---- */

/* By APR alone: what is to happen when httpd ends must not be code of a module that is unloaded by
 * then. */
static apr_status_t map(void **memory, apr_file_t *file, apr_size_t size, apr_int32_t how,
                        apr_pool_t *pool)
{
    apr_mmap_t *mapping;
    apr_status_t status = apr_mmap_create(&mapping, file, 0, size, how, pool);

    if (status == APR_SUCCESS)
        *memory = mapping->mm;
    return status;
}

static void fill_header(whk_metrics_t *metrics)
{
    metrics->layout = WHK_METRICS_LAYOUT;
    metrics->cell_count = (apr_uint32_t)stripe_size;
    metrics->size = block_size();
    metrics->started = apr_time_now();
    apr_cpystrn(metrics->version, WHK_VERSION, sizeof(metrics->version));
    memcpy(metrics->magic, MAGIC, sizeof(metrics->magic));
}

/* The space is there before it is written to, or a full disk would be a signal. */
static apr_status_t reserve(apr_file_t *file, apr_size_t size)
{
    apr_os_file_t fd;
    apr_status_t status = apr_os_file_get(&fd, file);

    return status == APR_SUCCESS ? posix_fallocate(fd, 0, (off_t)size) : status;
}

apr_status_t whk_metrics_create(whk_metrics_t **metrics, const char *file, apr_pool_t *pool)
{
    apr_file_t *opened;
    apr_status_t status;
    void *memory;

    lay_out();
    /* Whoever has the old one open goes on with it, so it must not be written over. */
    apr_file_remove(file, pool);
    status = apr_file_open(&opened, file,
                           APR_FOPEN_READ | APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL |
                               APR_FOPEN_DELONCLOSE,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);
    if (status != APR_SUCCESS)
        return status;
    status = reserve(opened, block_size());
    if (status == APR_SUCCESS)
        status = map(&memory, opened, block_size(), APR_MMAP_READ | APR_MMAP_WRITE, pool);
    if (status != APR_SUCCESS) {
        apr_file_close(opened);
        return status;
    }
    *metrics = memory;
    fill_header(*metrics);
    return APR_SUCCESS;
}

static const char *flaw_of(const whk_metrics_t *metrics, apr_size_t size)
{
    if (size < sizeof(*metrics) || memcmp(metrics->magic, MAGIC, sizeof(metrics->magic)) != 0)
        return "must be what mod_webhook_keys counts in";
    if (metrics->layout != WHK_METRICS_LAYOUT || metrics->size != size || size != block_size() ||
        metrics->cell_count != (apr_uint32_t)stripe_size)
        return "must be of the same version as this whkctl: restart httpd, or use the whkctl that "
               "was installed with its module";
    return NULL;
}

int whk_metrics_is_of_this_version(const whk_metrics_t *metrics)
{
    lay_out();
    return !flaw_of(metrics, (apr_size_t)metrics->size);
}

apr_status_t whk_metrics_open(const whk_metrics_t **metrics, const char *file, const char **flaw,
                              apr_pool_t *pool)
{
    apr_file_t *opened;
    apr_finfo_t info;
    void *memory;
    apr_status_t status = apr_file_open(&opened, file, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    lay_out();
    *flaw = NULL;
    if (status == APR_SUCCESS)
        status = apr_file_info_get(&info, APR_FINFO_SIZE, opened);
    if (status != APR_SUCCESS)
        return status;
    if (info.size < (apr_off_t)sizeof(whk_metrics_t)) {
        *flaw = "must be what mod_webhook_keys counts in";
        return APR_EGENERAL;
    }
    status = map(&memory, opened, (apr_size_t)info.size, APR_MMAP_READ, pool);
    if (status != APR_SUCCESS)
        return status;
    *metrics = memory;
    *flaw = flaw_of(*metrics, (apr_size_t)info.size);
    return *flaw ? APR_EGENERAL : APR_SUCCESS;
}

void whk_metrics_use(whk_metrics_t *metrics)
{
    lay_out();
    used = metrics;
}

whk_metrics_t *whk_metrics_used(void)
{
    return used;
}

/* ---- counting ---- */

static __thread int own_stripe = -1;

static whk_cell_t *cell(const whk_metrics_t *metrics, int stripe, int index)
{
    return (whk_cell_t *)&metrics->cells[(apr_size_t)stripe * stripe_size + index];
}

static void add(int index, apr_uint64_t count)
{
    if (own_stripe < 0)
        own_stripe = (int)(atomic_fetch_add(&used->next_stripe, 1) % WHK_STRIPES);
    atomic_fetch_add_explicit(cell(used, own_stripe, index), count, memory_order_relaxed);
}

void whk_metrics_count(whk_series_id_t series, int first, int second)
{
    if (used)
        add(cell_of(series, first, second), 1);
}

static int bucket_of(apr_interval_time_t spent)
{
    int i = 0;

    while (i < WHK_BUCKETS && spent > whk_bucket_ends[i])
        i++;
    return i;
}

void whk_metrics_observe(whk_series_id_t series, int first, apr_interval_time_t spent)
{
    int index;

    if (!used)
        return;
    index = cell_of(series, first, 0);
    add(index + bucket_of(spent), 1);
    add(index + WHK_BUCKETS + 1, (apr_uint64_t)(spent > 0 ? spent : 0));
}

void whk_metrics_set(whk_series_id_t series, int first, apr_int64_t value)
{
    if (used)
        atomic_store_explicit(cell(used, 0, cell_of(series, first, 0)), (apr_uint64_t)value,
                              memory_order_relaxed);
}

/* ---- sums of processes ---- */

static int share_of(whk_series_id_t series)
{
    return series == WHK_KEY_CACHE_LIMIT_BYTES;
}

static int is_sum(whk_series_id_t series)
{
    return series == WHK_KEY_CACHE_BYTES || series == WHK_KEY_CACHE_LIMIT_BYTES;
}

static int is_gone(apr_int64_t pid)
{
    return pid && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static whk_share_t *own_share(void)
{
    apr_int64_t own = getpid();
    int i;

    for (i = 0; i < WHK_METRICS_PROCESSES; i++)
        if (atomic_load(&used->shares[i].pid) == own)
            return &used->shares[i];
    for (i = 0; i < WHK_METRICS_PROCESSES; i++) {
        whk_share_t *share = &used->shares[i];
        apr_int64_t pid = atomic_load(&share->pid);

        if ((!pid || is_gone(pid)) && atomic_compare_exchange_strong(&share->pid, &pid, own)) {
            atomic_store(&share->shares[0], 0);
            atomic_store(&share->shares[1], 0);
            return share;
        }
    }
    return NULL;
}

void whk_metrics_set_share(whk_series_id_t series, apr_int64_t value)
{
    whk_share_t *share = used ? own_share() : NULL;

    if (share)
        atomic_store(&share->shares[share_of(series)], value);
}

void whk_metrics_leave(void)
{
    apr_int64_t own = getpid();
    int i;

    for (i = 0; used && i < WHK_METRICS_PROCESSES; i++)
        if (atomic_load(&used->shares[i].pid) == own)
            atomic_store(&used->shares[i].pid, 0);
}

static apr_int64_t sum_of_shares(const whk_metrics_t *metrics, whk_series_id_t series)
{
    apr_int64_t sum = 0;
    int i;

    for (i = 0; i < WHK_METRICS_PROCESSES; i++) {
        const whk_share_t *share = &metrics->shares[i];
        apr_int64_t pid = atomic_load(&share->pid);

        if (pid && !is_gone(pid))
            sum += atomic_load(&share->shares[share_of(series)]);
    }
    return sum;
}

/* ---- reading ---- */

static apr_int64_t sum_of_stripes(const whk_metrics_t *metrics, int index)
{
    apr_uint64_t sum = 0;
    int stripe;

    for (stripe = 0; stripe < WHK_STRIPES; stripe++)
        sum += atomic_load_explicit(cell(metrics, stripe, index), memory_order_relaxed);
    return (apr_int64_t)sum;
}

apr_int64_t whk_metrics_value(const whk_metrics_t *metrics, whk_series_id_t series, int first,
                              int second)
{
    int index = cell_of(series, first, second);
    apr_int64_t value;

    if (whk_series[series].kind == WHK_COUNTER)
        return sum_of_stripes(metrics, index);
    if (is_sum(series))
        return sum_of_shares(metrics, series);
    value = (apr_int64_t)atomic_load_explicit(cell(metrics, 0, index), memory_order_relaxed);
    if (whk_series[series].kind == WHK_AGE && value) {
        value = whk_clock_now() - value;
        return value > 0 ? value : 1;
    }
    return value;
}

apr_int64_t whk_metrics_total(const whk_metrics_t *metrics, whk_series_id_t series)
{
    apr_uint64_t total = 0;
    int i;

    for (i = 0; i < whk_series_size(series); i++)
        total += (apr_uint64_t)sum_of_stripes(metrics, offsets[series] + i);
    return (apr_int64_t)total;
}

void whk_metrics_histogram(const whk_metrics_t *metrics, whk_series_id_t series, int first,
                           whk_histogram_t *histogram)
{
    int index = cell_of(series, first, 0);
    apr_uint64_t count = 0;
    int i;

    for (i = 0; i <= WHK_BUCKETS; i++) {
        histogram->buckets[i] = sum_of_stripes(metrics, index + i);
        count += (apr_uint64_t)histogram->buckets[i];
    }
    histogram->count = (apr_int64_t)count;
    histogram->sum = sum_of_stripes(metrics, index + WHK_BUCKETS + 1);
}

apr_int64_t whk_histogram_percentile(const whk_histogram_t *histogram, int percent)
{
    double wanted = (double)histogram->count * percent / 100;
    double before = 0;
    int i;

    if (histogram->count <= 0)
        return 0;
    for (i = 0; i < WHK_BUCKETS; i++) {
        double begin = i ? whk_bucket_ends[i - 1] : 0;
        double own = (double)histogram->buckets[i];

        if (own > 0 && before + own >= wanted)
            return (apr_int64_t)(begin + (whk_bucket_ends[i] - begin) * (wanted - before) / own);
        before += own > 0 ? own : 0;
    }
    return whk_bucket_ends[WHK_BUCKETS - 1];
}

apr_time_t whk_metrics_started(const whk_metrics_t *metrics)
{
    return metrics->started;
}

const char *whk_metrics_version(const whk_metrics_t *metrics)
{
    return memchr(metrics->version, '\0', sizeof(metrics->version)) ? metrics->version : "";
}
