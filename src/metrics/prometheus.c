/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/prometheus.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "metrics/enterprise_counts.h"

#define PREFIX "webhook_keys_"

typedef struct {
    const whk_metrics_t *metrics;
    whk_text_sink sink;
    void *baton;
    apr_pool_t *pool;
} writer_t;

static void put(const writer_t *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(const writer_t *writer, const char *format, ...)
{
    const char *text;
    va_list arguments;

    va_start(arguments, format);
    text = apr_pvsprintf(writer->pool, format, arguments);
    va_end(arguments);
    writer->sink(writer->baton, text, strlen(text));
}

static void put_head(const writer_t *writer, const char *name, const char *type, const char *help)
{
    put(writer, "# HELP " PREFIX "%s %s.\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

/* A label's value, and what is between it and the next. */
static const char *label_text(const writer_t *writer, const char *name, const char *value)
{
    char *text = apr_palloc(writer->pool, 2 * strlen(value) + 1);
    char *out = text;

    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            *out++ = '\\';
        *out++ = *value == '\n' ? 'n' : *value;
    }
    *out = '\0';
    return apr_pstrcat(writer->pool, name, "=\"", text, "\"", NULL);
}

/* `{a="b",c="d"}`, or "". */
static const char *labels_text(const writer_t *writer, whk_series_id_t id, int first, int second,
                               const char *more)
{
    const whk_label_t *labels = whk_series[id].labels;
    const char *text = "";
    int index[2];
    int i;

    index[0] = first;
    index[1] = second;
    for (i = 0; i < 2; i++)
        if (labels[i] != WHK_LABEL_NONE)
            text = apr_pstrcat(
                writer->pool, text, *text ? "," : "",
                label_text(writer, whk_label_name(labels[i]), whk_label_word(labels[i], index[i])),
                NULL);
    if (more)
        text = apr_pstrcat(writer->pool, text, *text ? "," : "", more, NULL);
    return *text ? apr_pstrcat(writer->pool, "{", text, "}", NULL) : text;
}

static const char *seconds(apr_pool_t *pool, apr_int64_t microseconds)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT ".%06d", microseconds / 1000000,
                        (int)(microseconds % 1000000));
}

static void put_number(const writer_t *writer, whk_series_id_t id, int first, int second)
{
    apr_int64_t value = whk_metrics_value(writer->metrics, id, first, second);

    put(writer, PREFIX "%s%s %s\n", whk_series[id].name,
        labels_text(writer, id, first, second, NULL),
        whk_series[id].kind == WHK_AGE ? seconds(writer->pool, value)
                                       : apr_ltoa(writer->pool, (long)value));
}

static int was_counted(const writer_t *writer, whk_series_id_t id, int first)
{
    int second;

    for (second = 0; second < whk_label_count(whk_series[id].labels[1]); second++)
        if (whk_metrics_value(writer->metrics, id, first, second))
            return 1;
    return 0;
}

static void put_numbers(const writer_t *writer, whk_series_id_t id)
{
    const whk_label_t *labels = whk_series[id].labels;
    int first, second;

    for (first = 0; first < whk_label_count(labels[0]); first++) {
        if (labels[1] != WHK_LABEL_NONE && !was_counted(writer, id, first))
            continue;
        for (second = 0; second < whk_label_count(labels[1]); second++)
            put_number(writer, id, first, second);
    }
}

static void put_histogram(const writer_t *writer, whk_series_id_t id, int first)
{
    const char *name = whk_series[id].name;
    whk_histogram_t histogram;
    apr_int64_t count = 0;
    int i;

    whk_metrics_histogram(writer->metrics, id, first, &histogram);
    for (i = 0; i <= WHK_BUCKETS; i++) {
        const char *end = i < WHK_BUCKETS ? seconds(writer->pool, whk_bucket_ends[i]) : "+Inf";

        count = (apr_int64_t)((apr_uint64_t)count + (apr_uint64_t)histogram.buckets[i]);
        put(writer, PREFIX "%s_bucket%s %" APR_INT64_T_FMT "\n", name,
            labels_text(writer, id, first, 0, apr_pstrcat(writer->pool, "le=\"", end, "\"", NULL)),
            count);
    }
    put(writer, PREFIX "%s_sum%s %s\n", name, labels_text(writer, id, first, 0, NULL),
        seconds(writer->pool, histogram.sum));
    put(writer, PREFIX "%s_count%s %" APR_INT64_T_FMT "\n", name,
        labels_text(writer, id, first, 0, NULL), histogram.count);
}

static void put_histograms(const writer_t *writer, whk_series_id_t id)
{
    const whk_label_t label = whk_series[id].labels[0];
    int first;

    for (first = 0; first < whk_label_count(label); first++) {
        whk_histogram_t histogram;

        whk_metrics_histogram(writer->metrics, id, first, &histogram);
        if (histogram.count || label == WHK_LABEL_NONE || label == WHK_LABEL_OPERATION)
            put_histogram(writer, id, first);
    }
}

static void put_series(const writer_t *writer, whk_series_id_t id)
{
    static const char *const types[] = {"counter", "gauge", "gauge", "histogram"};
    const whk_series_t *series = &whk_series[id];

    put_head(writer, series->name, types[series->kind], series->help);
    if (series->kind == WHK_HISTOGRAM)
        put_histograms(writer, id);
    else
        put_numbers(writer, id);
}

static void put_enterprises(const writer_t *writer)
{
    whk_enterprise_count_t *counts =
        apr_palloc(writer->pool, sizeof(*counts) * (WHK_ENTERPRISES_COUNTED_MOST + 1));
    int count = whk_enterprise_counts_read(writer->metrics, counts);
    int i;

    if (!count)
        return;
    put_head(writer, "enterprise_verifications_total", "counter",
             "Webhooks and answers that were verified, by enterprise; of all others together under "
             "the empty one");
    for (i = 0; i < count; i++) {
        const char *label = label_text(writer, "enterprise", counts[i].enterprise_id);

        put(writer,
            PREFIX "enterprise_verifications_total{%s,outcome=\"ok\"} %" APR_INT64_T_FMT "\n",
            label, counts[i].ok);
        put(writer,
            PREFIX "enterprise_verifications_total{%s,outcome=\"refused\"} "
                   "%" APR_INT64_T_FMT "\n",
            label, counts[i].refused);
    }
}

void whk_prometheus_write(const whk_metrics_t *metrics, whk_text_sink sink, void *baton,
                          apr_pool_t *pool)
{
    writer_t writer = {metrics, sink, baton, NULL};
    int id;

    apr_pool_create(&writer.pool, pool);
    put_head(&writer, "build_info", "gauge", "The version of the module");
    put(&writer, PREFIX "build_info{%s} 1\n",
        label_text(&writer, "version", whk_metrics_version(metrics)));
    put_head(&writer, "start_time_seconds", "gauge", "When httpd was started, since 1970");
    put(&writer, PREFIX "start_time_seconds %s\n",
        seconds(writer.pool, whk_metrics_started(metrics)));
    for (id = 0; id < WHK_SERIES_COUNT; id++) {
        put_series(&writer, (whk_series_id_t)id);
        apr_pool_clear(writer.pool);
    }
    put_enterprises(&writer);
    apr_pool_destroy(writer.pool);
}
