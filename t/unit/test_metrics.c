/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted: in a block that processes and threads share, and as text. */

#include "shared_memory_fixture.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <pthread.h>

#include "metrics/enterprise_counts.h"
#include "metrics/key_set_states.h"
#include "metrics/prometheus.h"
#include "metrics/recent_refusals.h"
#include "model/clock.h"

#define THREADS 8
#define ROUNDS 20000

static apr_pool_t *pool;
static whk_metrics_t *metrics;
static char file[64];

static int set_up(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    snprintf(file, sizeof(file), "/tmp/whk-metrics-%d", (int)getpid());
    assert_int_equal(whk_metrics_create(&metrics, file, pool), APR_SUCCESS);
    whk_metrics_use(metrics);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    whk_metrics_use(NULL);
    apr_pool_destroy(pool);
    return access(file, F_OK) == 0;
}

static void *count_many(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < ROUNDS; i++) {
        whk_metrics_count(WHK_REFUSALS, 1, WHK_BAD_SIGNATURE);
        whk_metrics_observe(WHK_STORE_DURATION, WHK_OPERATION_READ, 300);
    }
    return NULL;
}

static void count_in_threads(void)
{
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void threads_and_processes(void **state)
{
    whk_histogram_t histogram;
    pid_t child = fork();

    (void)state;
    count_in_threads();
    if (!child)
        _exit(0);
    waitpid(child, NULL, 0);
    assert_int_equal(whk_metrics_value(metrics, WHK_REFUSALS, 1, WHK_BAD_SIGNATURE),
                     2 * THREADS * ROUNDS);
    assert_int_equal(whk_metrics_total(metrics, WHK_REFUSALS), 2 * THREADS * ROUNDS);
    assert_int_equal(whk_metrics_value(metrics, WHK_REFUSALS, 0, WHK_BAD_SIGNATURE), 0);
    whk_metrics_histogram(metrics, WHK_STORE_DURATION, WHK_OPERATION_READ, &histogram);
    assert_int_equal(histogram.count, 2 * THREADS * ROUNDS);
    assert_int_equal(histogram.sum, (apr_int64_t)300 * 2 * THREADS * ROUNDS);
}

/* Each number is in its own place: none is counted by another's. */
static void all_places(void **state)
{
    int id, first, second;

    (void)state;
    for (id = 0; id < WHK_SERIES_COUNT; id++) {
        const whk_series_t *series = &whk_series[id];

        if (series->kind != WHK_COUNTER)
            continue;
        for (first = 0; first < whk_label_count(series->labels[0]); first++)
            for (second = 0; second < whk_label_count(series->labels[1]); second++) {
                whk_metrics_count((whk_series_id_t)id, first, second);
                assert_int_equal(whk_metrics_value(metrics, (whk_series_id_t)id, first, second), 1);
            }
        assert_int_equal(whk_metrics_total(metrics, (whk_series_id_t)id),
                         whk_series_size((whk_series_id_t)id));
    }
}

static void shares_of_processes(void **state)
{
    int pipe_of[2];
    char byte = 0;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(pipe_of), 0);
    whk_metrics_set_share(WHK_KEY_CACHE_BYTES, 10);
    child = fork();
    if (!child) {
        whk_metrics_set_share(WHK_KEY_CACHE_BYTES, 100);
        if (write(pipe_of[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(pipe_of[0], &byte, 1), 1);
    assert_int_equal(whk_metrics_value(metrics, WHK_KEY_CACHE_BYTES, 0, 0), 110);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(whk_metrics_value(metrics, WHK_KEY_CACHE_BYTES, 0, 0), 10);
    whk_metrics_set_share(WHK_KEY_CACHE_BYTES, 20);
    assert_int_equal(whk_metrics_value(metrics, WHK_KEY_CACHE_BYTES, 0, 0), 20);
    close(pipe_of[0]);
    close(pipe_of[1]);
}

static void percentiles(void **state)
{
    whk_histogram_t histogram;
    int i;

    (void)state;
    whk_metrics_histogram(metrics, WHK_FETCH_DURATION, 0, &histogram);
    assert_int_equal(whk_histogram_percentile(&histogram, 99), 0);
    for (i = 0; i < 98; i++)
        whk_metrics_observe(WHK_FETCH_DURATION, 0, 80);
    whk_metrics_observe(WHK_FETCH_DURATION, 0, 100 * 1000 * 1000);
    whk_metrics_observe(WHK_FETCH_DURATION, 0, -5);
    whk_metrics_histogram(metrics, WHK_FETCH_DURATION, 0, &histogram);
    assert_in_range(whk_histogram_percentile(&histogram, 50), 51, 100);
    assert_in_range(whk_histogram_percentile(&histogram, 99), 51, 100);
    assert_int_equal(whk_histogram_percentile(&histogram, 100), 10000000);
    assert_int_equal(histogram.buckets[0], 1);
    assert_int_equal(histogram.buckets[WHK_BUCKETS], 1);
}

static void ages(void **state)
{
    (void)state;
    assert_int_equal(whk_metrics_value(metrics, WHK_STORE_AWAY, 0, 0), 0);
    whk_metrics_set(WHK_STORE_AWAY, 0, whk_clock_now() - apr_time_from_sec(5));
    assert_in_range(whk_metrics_value(metrics, WHK_STORE_AWAY, 0, 0), 5000000, 6000000);
}

/* ---- the file ---- */

static void whoever_reads(void **state)
{
    const whk_metrics_t *read;
    const char *flaw;
    struct stat info;

    (void)state;
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    whk_metrics_count(WHK_OTP_LOCKS, 0, 0);
    assert_int_equal(whk_metrics_open(&read, file, &flaw, pool), APR_SUCCESS);
    assert_int_equal(whk_metrics_value(read, WHK_OTP_LOCKS, 0, 0), 1);
    whk_metrics_count(WHK_OTP_LOCKS, 0, 0);
    assert_int_equal(whk_metrics_value(read, WHK_OTP_LOCKS, 0, 0), 2);
    assert_int_not_equal(whk_metrics_open(&read, "/tmp/whk-no-such-file", &flaw, pool),
                         APR_SUCCESS);
    assert_null(flaw);
    assert_int_not_equal(whk_metrics_open(&read, "/etc/passwd", &flaw, pool), APR_SUCCESS);
    assert_non_null(flaw);
}

static void another_layout(void **state)
{
    const whk_metrics_t *read;
    const char *flaw;
    FILE *out = fopen(file, "r+");

    (void)state;
    assert_non_null(out);
    assert_int_equal(fseek(out, 8, SEEK_SET), 0);
    assert_int_equal(fwrite("\xff\xff", 1, 2, out), 2);
    fclose(out);
    assert_int_not_equal(whk_metrics_open(&read, file, &flaw, pool), APR_SUCCESS);
    assert_non_null(strstr(flaw, "version"));
}

static void nowhere(void **state)
{
    (void)state;
    whk_metrics_use(NULL);
    whk_metrics_count(WHK_OTP_LOCKS, 0, 0);
    whk_metrics_observe(WHK_FETCH_DURATION, 0, 1);
    whk_metrics_set(WHK_STORE_UP, 0, 1);
    whk_metrics_set_share(WHK_KEY_CACHE_BYTES, 1);
    whk_refusals_add(0, WHK_NOT_FOUND, NULL, NULL, NULL, NULL);
    whk_key_set_states_note("https://a/", NULL, 0);
    whk_enterprise_counts_add("acme", 1);
    assert_int_equal(whk_metrics_total(metrics, WHK_OTP_LOCKS), 0);
}

/* ---- tables ---- */

static void refusals_that_are_kept(void **state)
{
    whk_refusal_t refusals[WHK_REFUSALS_KEPT];
    char name[300];
    int i;

    (void)state;
    assert_int_equal(whk_refusals_read(metrics, refusals), 0);
    for (i = 0; i < WHK_REFUSALS_KEPT + 5; i++)
        whk_refusals_add(1, WHK_BAD_SIGNATURE, apr_psprintf(pool, "e%d", i), NULL, "::1", "id");
    assert_int_equal(whk_refusals_read(metrics, refusals), WHK_REFUSALS_KEPT);
    assert_string_equal(refusals[0].enterprise, "e36");
    assert_string_equal(refusals[WHK_REFUSALS_KEPT - 1].enterprise, "e5");
    assert_string_equal(refusals[0].key_id, "");
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    whk_refusals_add(1, WHK_BAD_SIGNATURE, name, name, name, name);
    whk_refusals_read(metrics, refusals);
    assert_int_equal(strlen(refusals[0].enterprise), WHK_REFUSAL_NAME - 1);
}

static void *refuse_many(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < ROUNDS; i++) {
        const char *name = i % 2 ? "aaaaaaaaaaaaaaaa" : "bbbbbbbbbbbbbbbb";

        whk_refusals_add(1, WHK_BAD_SIGNATURE, name, name, name, name);
    }
    return NULL;
}

/* What is read is whole. */
static void refusals_in_parallel(void **state)
{
    whk_refusal_t refusals[WHK_REFUSALS_KEPT];
    pthread_t threads[THREADS];
    int i, k;

    (void)state;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refuse_many, NULL), 0);
    for (i = 0; i < 2000; i++) {
        int count = whk_refusals_read(metrics, refusals);

        for (k = 0; k < count; k++) {
            assert_string_equal(refusals[k].enterprise, refusals[k].request_id);
            assert_int_equal(strlen(refusals[k].enterprise), 16);
        }
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void key_sets(void **state)
{
    whk_key_set_state_t states[WHK_KEY_SETS_KEPT];
    int i;

    (void)state;
    whk_key_set_states_note("https://good/", NULL, apr_time_from_sec(-90));
    whk_key_set_states_note("https://bad/", "jwks_uri_unreachable", 0);
    assert_int_equal(whk_key_set_states_read(metrics, states), 2);
    assert_string_equal(states[0].uri, "https://bad/");
    assert_string_equal(states[0].error, "jwks_uri_unreachable");
    assert_true(states[0].failing > 0);
    assert_string_equal(states[1].uri, "https://good/");
    assert_true(states[1].good > 0 && !states[1].failing);
    assert_int_equal(states[1].ahead, apr_time_from_sec(-90));
    whk_key_set_states_note("https://bad/", NULL, 0);
    assert_int_equal(whk_key_set_states_read(metrics, states), 2);
    assert_int_equal(states[0].failing, 0);
    /* The one that fails stays, however many there are. */
    whk_key_set_states_note("https://bad/", "invalid_jwks", 0);
    for (i = 0; i < 3 * WHK_KEY_SETS_KEPT; i++)
        whk_key_set_states_note(apr_psprintf(pool, "https://h%d/", i), NULL, 0);
    assert_int_equal(whk_key_set_states_read(metrics, states), WHK_KEY_SETS_KEPT);
    assert_string_equal(states[0].uri, "https://bad/");
}

static void enterprises(void **state)
{
    whk_enterprise_count_t counts[WHK_ENTERPRISES_COUNTED_MOST + 1];
    char name[400];

    (void)state;
    whk_enterprise_counts_add("acme", 1);
    assert_int_equal(whk_enterprise_counts_read(metrics, counts), 0);
    whk_enterprise_counts_limit(metrics, 2);
    whk_enterprise_counts_add("acme", 1);
    /* What is refused may name anybody. */
    whk_enterprise_counts_add("nobody", 0);
    whk_enterprise_counts_add("beta", 1);
    whk_enterprise_counts_add("gamma", 1);
    whk_enterprise_counts_add("acme", 0);
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    whk_enterprise_counts_add(name, 1);
    assert_int_equal(whk_enterprise_counts_read(metrics, counts), 3);
    assert_string_equal(counts[0].enterprise_id, "acme");
    assert_int_equal(counts[0].ok * 10 + counts[0].refused, 11);
    assert_string_equal(counts[1].enterprise_id, "beta");
    assert_string_equal(counts[2].enterprise_id, "");
    assert_int_equal(counts[2].ok, 2);
    assert_int_equal(counts[2].refused, 1);
    /* Two who came at once. */
    strcpy(metrics->enterprises[1].name, "acme");
    assert_int_equal(whk_enterprise_counts_read(metrics, counts), 2);
    assert_int_equal(counts[0].ok * 10 + counts[0].refused, 21);
    assert_string_equal(counts[1].enterprise_id, "");
}

/* A child that somebody took over writes what it likes into the block that root reads. */
static void a_block_of_anything(void **state)
{
    whk_refusal_t refusals[WHK_REFUSALS_KEPT];
    whk_key_set_state_t states[WHK_KEY_SETS_KEPT];
    whk_enterprise_count_t *counts =
        apr_palloc(pool, sizeof(*counts) * (WHK_ENTERPRISES_COUNTED_MOST + 1));
    whk_histogram_t histogram;
    int count;
    int i;

    (void)state;
    whk_refusals_add(0, WHK_UNKNOWN_KEY, "acme", "k", "192.0.2.1", "r");
    assert_int_equal(whk_refusals_read(metrics, refusals), 1);
    metrics->refusals[0].refusal.door = 1 << 20;
    assert_int_equal(whk_refusals_read(metrics, refusals), 0);
    metrics->refusals[0].refusal.door = 0;
    metrics->refusals[0].refusal.code = (whk_code_t)-1;
    assert_int_equal(whk_refusals_read(metrics, refusals), 0);
    for (i = 0; i < 2; i++) {
        /* All but what says how long it is. */
        memset(&metrics->next_stripe, i ? 0xff : 0x42,
               metrics->size - offsetof(whk_metrics_t, next_stripe));
        memset(metrics->version, 'v', sizeof(metrics->version));
        count = whk_refusals_read(metrics, refusals);
        assert_in_range(count, 0, WHK_REFUSALS_KEPT);
        count = whk_key_set_states_read(metrics, states);
        assert_in_range(count, 0, WHK_KEY_SETS_KEPT);
        while (count--)
            assert_in_range(strlen(states[count].uri), 0, WHK_KEY_SET_URI - 1);
        assert_in_range(whk_enterprise_counts_read(metrics, counts), 0,
                        WHK_ENTERPRISES_COUNTED_MOST + 1);
        assert_string_equal(whk_metrics_version(metrics), "");
        whk_metrics_histogram(metrics, WHK_VERIFY_DURATION, 0, &histogram);
        whk_histogram_percentile(&histogram, 99);
    }
}

/* ---- text ---- */

static void append(void *text, const char *piece, apr_size_t length)
{
    char **whole = text;

    *whole = apr_pstrcat(pool, *whole, apr_pstrmemdup(pool, piece, length), NULL);
}

static const char *text_of(void)
{
    char *text = apr_pstrdup(pool, "");

    whk_prometheus_write(metrics, append, &text, pool);
    return text;
}

static void has(const char *text, const char *line)
{
    if (!strstr(text, apr_pstrcat(pool, "\n", line, "\n", NULL)))
        fail_msg("%s is not in\n%s", line, text);
}

static void as_text(void **state)
{
    const char *text;

    (void)state;
    whk_enterprise_counts_limit(metrics, 1);
    whk_enterprise_counts_add("a\"b\\c\nd", 1);
    whk_metrics_count(WHK_REFUSALS, 1, WHK_EXPIRED);
    whk_metrics_observe(WHK_FETCH_DURATION, 0, 700);
    whk_metrics_observe(WHK_FETCH_DURATION, 0, 20000000);
    text = text_of();
    has(text, "webhook_keys_refusals_total{door=\"webhook\",code=\"expired\"} 1");
    has(text, "webhook_keys_refusals_total{door=\"webhook\",code=\"replayed\"} 0");
    assert_null(strstr(text, "door=\"answer\""));
    has(text, "# TYPE webhook_keys_fetch_duration_seconds histogram");
    has(text, "webhook_keys_fetch_duration_seconds_bucket{le=\"0.000500\"} 0");
    has(text, "webhook_keys_fetch_duration_seconds_bucket{le=\"0.001000\"} 1");
    has(text, "webhook_keys_fetch_duration_seconds_bucket{le=\"10.000000\"} 1");
    has(text, "webhook_keys_fetch_duration_seconds_bucket{le=\"+Inf\"} 2");
    has(text, "webhook_keys_fetch_duration_seconds_sum 20.000700");
    has(text, "webhook_keys_fetch_duration_seconds_count 2");
    has(text, "webhook_keys_enterprise_verifications_total{enterprise=\"a\\\"b\\\\c\\nd\","
              "outcome=\"ok\"} 1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_and_processes), TEST(all_places), TEST(shares_of_processes),
        TEST(percentiles),           TEST(ages),       TEST(whoever_reads),
        TEST(another_layout),        TEST(nowhere),    TEST(refusals_that_are_kept),
        TEST(refusals_in_parallel),  TEST(key_sets),   TEST(enterprises),
        TEST(a_block_of_anything),   TEST(as_text),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
