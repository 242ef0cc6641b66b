/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/status_advice.h"
#include "metrics/metrics.h"

typedef struct {
    whk_invocation_t *invocation;
    apr_pool_t *pool;
    const whk_metrics_t *metrics;
    whk_key_set_state_t *states;
    int state_count;
    whk_refusal_t *refusals;
    int refusal_count;
    apr_array_header_t *advice;
} status_t;

static apr_int64_t value(const status_t *status, whk_series_id_t id, int first, int second)
{
    return whk_metrics_value(status->metrics, id, first, second);
}

/* ---- for people ---- */

static const char *span(apr_pool_t *pool, apr_interval_time_t time)
{
    apr_int64_t seconds = apr_time_sec(time);

    if (seconds < 120)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " s", seconds);
    if (seconds < 7200)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " min", seconds / 60);
    if (seconds < 172800)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " h", seconds / 3600);
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " days", seconds / 86400);
}

static const char *latency(const status_t *status, whk_series_id_t id, int first)
{
    whk_histogram_t histogram;

    whk_metrics_histogram(status->metrics, id, first, &histogram);
    if (!histogram.count)
        return "0";
    return apr_psprintf(status->pool,
                        "%" APR_INT64_T_FMT " (half within %.2f ms, 99 of 100 within %.2f ms)",
                        histogram.count, (double)whk_histogram_percentile(&histogram, 50) / 1000,
                        (double)whk_histogram_percentile(&histogram, 99) / 1000);
}

/* The words of a series that were counted, as `bad_signature 3, expired 1`. */
static const char *counted(const status_t *status, whk_series_id_t id, int first, int skip)
{
    const whk_label_t label = whk_series[id].labels[1];
    const char *text = "";
    int second;

    for (second = skip; second < whk_label_count(label); second++) {
        apr_int64_t count = value(status, id, first, second);

        if (count)
            text = apr_psprintf(status->pool, "%s%s%s %" APR_INT64_T_FMT, text, *text ? ", " : "",
                                whk_label_word(label, second), count);
    }
    return *text ? text : "none";
}

static void print_store(const status_t *status)
{
    apr_int64_t away = value(status, WHK_STORE_AWAY, 0, 0);

    printf("database    %s; reads %s; writes %s; failed %" APR_INT64_T_FMT "\n",
           away ? apr_pstrcat(status->pool, "AWAY for ", span(status->pool, away), NULL)
                : "answers",
           latency(status, WHK_STORE_DURATION, WHK_OPERATION_READ),
           latency(status, WHK_STORE_DURATION, WHK_OPERATION_WRITE),
           whk_metrics_total(status->metrics, WHK_STORE_ERRORS));
}

static void print_node(const status_t *status)
{
    apr_int64_t lag = value(status, WHK_NODE_LAG, 0, 0);
    apr_int64_t hits = value(status, WHK_KEY_LOOKUPS, WHK_LOOKUP_HIT, 0);
    apr_int64_t lookups = whk_metrics_total(status->metrics, WHK_KEY_LOOKUPS);

    if (lag)
        printf("node        knows all changes until %.1f s ago, of %" APR_INT64_T_FMT
               " enterprises\n",
               (double)lag / 1000000, value(status, WHK_ENTERPRISES, 0, 0));
    else
        printf("node        verifies no webhooks\n");
    printf("key cache   %" APR_INT64_T_FMT " of %" APR_INT64_T_FMT " KiB; %" APR_INT64_T_FMT
           " of 100 looks found what they looked for\n",
           value(status, WHK_KEY_CACHE_BYTES, 0, 0) / 1024,
           value(status, WHK_KEY_CACHE_LIMIT_BYTES, 0, 0) / 1024,
           lookups ? hits * 100 / lookups : 0);
    printf("replays     %" APR_INT64_T_FMT " of %" APR_INT64_T_FMT " remembered\n",
           value(status, WHK_REPLAY_ENTRIES, 0, 0), value(status, WHK_REPLAY_CAPACITY, 0, 0));
}

static void print_schemes(const status_t *status)
{
    int scheme;

    for (scheme = 0; scheme < whk_label_count(WHK_LABEL_SCHEME); scheme++) {
        const char *refused = counted(status, WHK_VERIFICATIONS, scheme, 1);
        apr_int64_t ok = value(status, WHK_VERIFICATIONS, scheme, 0);

        if (ok || strcmp(refused, "none") != 0)
            printf("verified    %s: ok %" APR_INT64_T_FMT "; refused: %s; in all %s\n",
                   whk_label_word(WHK_LABEL_SCHEME, scheme), ok, refused,
                   latency(status, WHK_VERIFY_DURATION, scheme));
    }
}

static void print_doors(const status_t *status)
{
    int door;

    for (door = 0; door < whk_label_count(WHK_LABEL_DOOR); door++)
        printf("refused     %s: %s\n", whk_label_word(WHK_LABEL_DOOR, door),
               counted(status, WHK_REFUSALS, door, 0));
}

static void print_api(const status_t *status)
{
    printf("API         registered %" APR_INT64_T_FMT ", revoked %" APR_INT64_T_FMT
           "; one-time passwords accepted %" APR_INT64_T_FMT ", refused %" APR_INT64_T_FMT
           ", while locked %" APR_INT64_T_FMT ", locks %" APR_INT64_T_FMT "\n",
           whk_metrics_total(status->metrics, WHK_REGISTRATIONS),
           whk_metrics_total(status->metrics, WHK_REVOCATIONS),
           value(status, WHK_OTP_CHECKS, WHK_OTP_RESULT_ACCEPTED, 0),
           value(status, WHK_OTP_CHECKS, WHK_OTP_RESULT_REFUSED, 0),
           value(status, WHK_OTP_CHECKS, WHK_OTP_RESULT_LOCKED, 0),
           whk_metrics_total(status->metrics, WHK_OTP_LOCKS));
}

static void print_key_sets(const status_t *status)
{
    int i;

    for (i = 0; i < status->state_count; i++) {
        const whk_key_set_state_t *state = &status->states[i];
        apr_time_t now = apr_time_now();

        printf("key set     %s: %s%s%s\n", whk_printable(status->pool, state->uri),
               state->good ? apr_pstrcat(status->pool, "fetched ",
                                         span(status->pool, now - state->good), " ago", NULL)
                           : "not fetched since httpd was started",
               state->failing ? apr_pstrcat(status->pool, ", FAILING for ",
                                            span(status->pool, now - state->failing), ": ", NULL)
                              : "",
               whk_printable(status->pool, state->error));
    }
}

static int is_same_cause(const whk_refusal_t *a, const whk_refusal_t *b)
{
    return a->door == b->door && a->code == b->code && !strcmp(a->enterprise, b->enterprise);
}

static int is_first_of_its_cause(const status_t *status, int index)
{
    int i;

    for (i = 0; i < index; i++)
        if (is_same_cause(&status->refusals[i], &status->refusals[index]))
            return 0;
    return 1;
}

static int count_of_cause(const status_t *status, int index)
{
    int count = 0;
    int i;

    for (i = index; i < status->refusal_count; i++)
        count += is_same_cause(&status->refusals[i], &status->refusals[index]);
    return count;
}

/* By cause and whose they are, each with what to type. */
static void print_refusals(const status_t *status)
{
    apr_time_t now = apr_time_now();
    int i;

    if (status->refusal_count)
        printf("\nRefused last, %d of them:\n", status->refusal_count);
    for (i = 0; i < status->refusal_count; i++) {
        const whk_refusal_t *last = &status->refusals[i];

        if (!is_first_of_its_cause(status, i))
            continue;
        printf(
            "  %s: %s, %d times, last %s ago; enterprise %s, keyId %s, client %s, request %s\n"
            "      %s\n",
            whk_label_word(WHK_LABEL_DOOR, last->door), whk_code_name(last->code),
            count_of_cause(status, i), span(status->pool, now - last->at),
            *last->enterprise ? whk_printable(status->pool, last->enterprise) : "-",
            *last->key_id ? whk_printable(status->pool, last->key_id) : "-",
            whk_printable(status->pool, last->client),
            whk_printable(status->pool, last->request_id),
            whk_refusal_advice(status->invocation, last->code, last->enterprise, last->request_id));
    }
}

static void print_advice(const status_t *status)
{
    int i;

    printf("\n%s\n", status->advice->nelts ? "What is wrong now:" : "Nothing is wrong now.");
    for (i = 0; i < status->advice->nelts; i++)
        printf("  %s\n", APR_ARRAY_IDX(status->advice, i, whk_advice_t).message);
}

static int print_status(const status_t *status)
{
    apr_time_t started = whk_metrics_started(status->metrics);

    printf("mod_webhook_keys %s; httpd was started %s, %s ago\n\n",
           whk_printable(status->pool, whk_metrics_version(status->metrics)),
           whk_print_time(status->pool, started), span(status->pool, apr_time_now() - started));
    print_store(status);
    print_node(status);
    print_schemes(status);
    print_doors(status);
    print_api(status);
    print_key_sets(status);
    print_refusals(status);
    print_advice(status);
    return WHK_EXIT_DONE;
}

/* ---- for programs ---- */

static json_t *sample_json(const status_t *status, whk_series_id_t id, int first, int second)
{
    const whk_label_t *labels = whk_series[id].labels;
    json_t *of = json_object();
    apr_int64_t number = value(status, id, first, second);

    if (labels[0] != WHK_LABEL_NONE)
        json_object_set_new(of, whk_label_name(labels[0]),
                            json_string(whk_label_word(labels[0], first)));
    if (labels[1] != WHK_LABEL_NONE)
        json_object_set_new(of, whk_label_name(labels[1]),
                            json_string(whk_label_word(labels[1], second)));
    return json_pack("{s:s, s:o, s:o}", "name", whk_series[id].name, "labels", of, "value",
                     whk_series[id].kind == WHK_AGE ? json_real((double)number / 1000000)
                                                    : json_integer((json_int_t)number));
}

static json_t *histogram_json(const status_t *status, whk_series_id_t id, int first)
{
    const whk_label_t label = whk_series[id].labels[0];
    whk_histogram_t histogram;
    json_t *of = json_object();

    whk_metrics_histogram(status->metrics, id, first, &histogram);
    if (label != WHK_LABEL_NONE)
        json_object_set_new(of, whk_label_name(label), json_string(whk_label_word(label, first)));
    return json_pack("{s:s, s:o, s:I, s:f, s:f, s:f}", "name", whk_series[id].name, "labels", of,
                     "count", (json_int_t)histogram.count, "sum", (double)histogram.sum / 1000000,
                     "p50", (double)whk_histogram_percentile(&histogram, 50) / 1000000, "p99",
                     (double)whk_histogram_percentile(&histogram, 99) / 1000000);
}

static void add_series(const status_t *status, whk_series_id_t id, json_t *series)
{
    const whk_label_t *labels = whk_series[id].labels;
    int first, second;

    for (first = 0; first < whk_label_count(labels[0]); first++) {
        if (whk_series[id].kind == WHK_HISTOGRAM) {
            json_array_append_new(series, histogram_json(status, id, first));
            continue;
        }
        for (second = 0; second < whk_label_count(labels[1]); second++)
            if (labels[1] == WHK_LABEL_NONE || value(status, id, first, second))
                json_array_append_new(series, sample_json(status, id, first, second));
    }
}

static json_t *key_sets_json(const status_t *status)
{
    json_t *sets = json_array();
    int i;

    for (i = 0; i < status->state_count; i++)
        json_array_append_new(
            sets,
            json_pack("{s:s, s:o, s:o, s:s?}", "uri",
                      whk_printable(status->pool, status->states[i].uri), "fetchedDate",
                      whk_print_time_json(status->pool, status->states[i].good), "failingSince",
                      whk_print_time_json(status->pool, status->states[i].failing), "error",
                      *status->states[i].error ? status->states[i].error : NULL));
    return sets;
}

static const char *name_or_null(const status_t *status, const char *name)
{
    return *name ? whk_printable(status->pool, name) : NULL;
}

static json_t *refusals_json(const status_t *status)
{
    json_t *refusals = json_array();
    int i;

    for (i = 0; i < status->refusal_count; i++) {
        const whk_refusal_t *refusal = &status->refusals[i];

        json_array_append_new(refusals,
                              json_pack("{s:o, s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "at",
                                        whk_print_time_json(status->pool, refusal->at), "door",
                                        whk_label_word(WHK_LABEL_DOOR, refusal->door), "code",
                                        whk_code_name(refusal->code), "enterpriseId",
                                        name_or_null(status, refusal->enterprise), "keyId",
                                        name_or_null(status, refusal->key_id), "remoteAddress",
                                        name_or_null(status, refusal->client), "requestId",
                                        name_or_null(status, refusal->request_id)));
    }
    return refusals;
}

static json_t *advice_json(const status_t *status)
{
    json_t *advice = json_array();
    int i;

    for (i = 0; i < status->advice->nelts; i++) {
        const whk_advice_t *each = &APR_ARRAY_IDX(status->advice, i, whk_advice_t);

        json_array_append_new(advice,
                              json_pack("{s:s, s:s}", "id", each->id, "message", each->message));
    }
    return advice;
}

static int print_status_json(const status_t *status)
{
    json_t *series = json_array();
    int id;

    for (id = 0; id < WHK_SERIES_COUNT; id++)
        add_series(status, (whk_series_id_t)id, series);
    return whk_print_json(json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o}", "version", whk_metrics_version(status->metrics),
        "startedDate", whk_print_time_json(status->pool, whk_metrics_started(status->metrics)),
        "series", series, "keySets", key_sets_json(status), "refusedLast", refusals_json(status),
        "wrong", advice_json(status)));
}

int whk_cmd_status(whk_invocation_t *invocation)
{
    const char *file = invocation->config.httpd->metrics_file;
    status_t status = {.invocation = invocation, .pool = invocation->pool};
    const char *flaw = NULL;
    apr_status_t opened;

    if (!file)
        return whk_refused("httpd's configuration names no DefaultRuntimeDir that could be used");
    opened = whk_metrics_open(&status.metrics, file, &flaw, invocation->pool);
    if (flaw)
        return whk_refused("%s %s", file, flaw);
    if (APR_STATUS_IS_ENOENT(opened))
        return whk_refused("there is no %s: httpd does not run by %s, or could not make that file "
                           "(grep WHK0900 in its error log)",
                           file, invocation->conf_file);
    if (opened != APR_SUCCESS)
        return whk_refused("%s can't be read: %s; it is for root, or whoever starts httpd", file,
                           apr_psprintf(invocation->pool, "%pm", &opened));
    status.states = apr_palloc(invocation->pool, sizeof(*status.states) * WHK_KEY_SETS_KEPT);
    status.state_count = whk_key_set_states_read(status.metrics, status.states);
    status.refusals = apr_palloc(invocation->pool, sizeof(*status.refusals) * WHK_REFUSALS_KEPT);
    status.refusal_count = whk_refusals_read(status.metrics, status.refusals);
    status.advice =
        whk_status_advice(invocation, status.metrics, status.states, status.state_count);
    return invocation->json ? print_status_json(&status) : print_status(&status);
}
