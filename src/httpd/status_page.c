/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/status_page.h"

#include <httpd.h>

#include <apr_strings.h>
#include <http_config.h>
#include <http_protocol.h>
#include <mod_status.h>

#include "metrics/key_set_states.h"
#include "metrics/metrics.h"
#include "metrics/recent_refusals.h"
#include "model/timestamp.h"

#define PREFIX "WebhookKeys"

/* Sets of which the page tells. */
#define KEY_SETS_SHOWN 50

typedef struct {
    request_rec *r;
    const whk_metrics_t *metrics;
    int is_short; /* ?auto */
} page_t;

/* ---- a line ---- */

static const char *seconds(apr_pool_t *pool, apr_int64_t microseconds)
{
    return apr_psprintf(pool, "%.3f", (double)microseconds / 1000000);
}

/* `name` as in a table, and without its spaces as ?auto has it. Both are ours; `value` may be what
 * somebody sent. */
static void put(const page_t *page, const char *name, const char *value)
{
    char *word = apr_pstrdup(page->r->pool, name);

    if (page->is_short) {
        apr_collapse_spaces(word, word);
        ap_rprintf(page->r, PREFIX "%s: %s\n", word, value);
        return;
    }
    ap_rprintf(page->r, "<tr><td>%s</td><td>%s</td></tr>\n", ap_escape_html(page->r->pool, name),
               ap_escape_html(page->r->pool, value));
}

static void put_number(const page_t *page, const char *name, apr_int64_t number)
{
    put(page, name, apr_psprintf(page->r->pool, "%" APR_INT64_T_FMT, number));
}

static void begin(const page_t *page, const char *title)
{
    if (!page->is_short)
        ap_rprintf(page->r, "<h3>%s</h3>\n<table border=\"1\">\n", title);
}

static void end(const page_t *page)
{
    if (!page->is_short)
        ap_rputs("</table>\n", page->r);
}

/* ---- series ---- */

static const char *words(const page_t *page, const char *name, whk_series_id_t id, int first,
                         int second)
{
    const whk_label_t *labels = whk_series[id].labels;

    if (labels[0] != WHK_LABEL_NONE)
        name = apr_pstrcat(page->r->pool, name, " ", whk_label_word(labels[0], first), NULL);
    if (labels[1] != WHK_LABEL_NONE)
        name = apr_pstrcat(page->r->pool, name, " ", whk_label_word(labels[1], second), NULL);
    return name;
}

/* Of a series with two labels what was counted alone: the others are many. */
static void put_series(const page_t *page, const char *name, whk_series_id_t id)
{
    const whk_label_t *labels = whk_series[id].labels;
    int first, second;

    for (first = 0; first < whk_label_count(labels[0]); first++)
        for (second = 0; second < whk_label_count(labels[1]); second++) {
            apr_int64_t value = whk_metrics_value(page->metrics, id, first, second);

            if (value || (labels[1] == WHK_LABEL_NONE && labels[0] != WHK_LABEL_CODE))
                put(page, words(page, name, id, first, second),
                    whk_series[id].kind == WHK_AGE
                        ? seconds(page->r->pool, value)
                        : apr_psprintf(page->r->pool, "%" APR_INT64_T_FMT, value));
        }
}

static void put_latency(const page_t *page, const char *name, whk_series_id_t id, int first)
{
    whk_histogram_t histogram;

    whk_metrics_histogram(page->metrics, id, first, &histogram);
    if (!histogram.count)
        return;
    name = words(page, name, id, first, 0);
    put_number(page, apr_pstrcat(page->r->pool, name, " Count", NULL), histogram.count);
    put(page, apr_pstrcat(page->r->pool, name, " P50 Seconds", NULL),
        apr_psprintf(page->r->pool, "%.6f",
                     (double)whk_histogram_percentile(&histogram, 50) / 1000000));
    put(page, apr_pstrcat(page->r->pool, name, " P99 Seconds", NULL),
        apr_psprintf(page->r->pool, "%.6f",
                     (double)whk_histogram_percentile(&histogram, 99) / 1000000));
}

static void put_latencies(const page_t *page, const char *name, whk_series_id_t id)
{
    int first;

    for (first = 0; first < whk_label_count(whk_series[id].labels[0]); first++)
        put_latency(page, name, id, first);
}

/* ---- sections ---- */

static void put_webhooks(const page_t *page)
{
    begin(page, "Webhooks and answers");
    put_series(page, "Verifications", WHK_VERIFICATIONS);
    put_series(page, "Signatures", WHK_SIGNATURES);
    put_latencies(page, "Verify", WHK_VERIFY_DURATION);
    put_series(page, "Refusals", WHK_REFUSALS);
    put_series(page, "Let Through", WHK_LET_THROUGH);
    put_series(page, "Signed", WHK_SIGNED);
    put_series(page, "Replay Entries", WHK_REPLAY_ENTRIES);
    put_series(page, "Replay Capacity", WHK_REPLAY_CAPACITY);
    end(page);
}

static void put_api(const page_t *page)
{
    begin(page, "API");
    put_series(page, "Registrations", WHK_REGISTRATIONS);
    put_series(page, "Revocations", WHK_REVOCATIONS);
    put_series(page, "OTP", WHK_OTP_CHECKS);
    put_series(page, "OTP Locks", WHK_OTP_LOCKS);
    end(page);
}

static void put_node(const page_t *page)
{
    begin(page, "Database and node");
    put_series(page, "Store Up", WHK_STORE_UP);
    put_series(page, "Store Away Seconds", WHK_STORE_AWAY);
    put_latencies(page, "Store", WHK_STORE_DURATION);
    put_series(page, "Store Errors", WHK_STORE_ERRORS);
    put_series(page, "Node Lag Seconds", WHK_NODE_LAG);
    put_series(page, "Enterprises", WHK_ENTERPRISES);
    put_series(page, "Directory Full", WHK_DIRECTORY_FULL);
    put_series(page, "Key Lookups", WHK_KEY_LOOKUPS);
    put_series(page, "Key Cache Bytes", WHK_KEY_CACHE_BYTES);
    put_series(page, "Key Cache Limit Bytes", WHK_KEY_CACHE_LIMIT_BYTES);
    put_series(page, "Notifications", WHK_NOTIFICATIONS);
    put_series(page, "Notifications Pending", WHK_NOTIFICATIONS_PENDING);
    end(page);
}

static const char *age(apr_pool_t *pool, apr_time_t since)
{
    return since
               ? apr_psprintf(pool, "%" APR_INT64_T_FMT " s", apr_time_sec(apr_time_now() - since))
               : "-";
}

static void put_key_set(const page_t *page, int index, const whk_key_set_state_t *state)
{
    apr_pool_t *pool = page->r->pool;

    if (page->is_short)
        put(page, apr_psprintf(pool, "KeySet%d", index),
            apr_psprintf(pool, "%s good %s failing %s %s", ap_escape_uri(pool, state->uri),
                         age(pool, state->good), age(pool, state->failing),
                         *state->error ? state->error : "-"));
    else
        ap_rprintf(page->r, "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n",
                   ap_escape_html(pool, state->uri), age(pool, state->good),
                   age(pool, state->failing), ap_escape_html(pool, state->error));
}

static void put_key_sets(const page_t *page)
{
    whk_key_set_state_t *states = apr_palloc(page->r->pool, sizeof(*states) * WHK_KEY_SETS_KEPT);
    int count = whk_key_set_states_read(page->metrics, states);
    int i;

    begin(page, "Key sets by URI that this node fetched");
    put_series(page, "Fetches", WHK_FETCHES);
    put_latencies(page, "Fetch", WHK_FETCH_DURATION);
    put_series(page, "Key Sets", WHK_KEY_SETS);
    end(page);
    if (!count)
        return;
    if (!page->is_short)
        ap_rputs("<table border=\"1\">\n<tr><th>URI</th><th>last good, ago</th><th>failing for</th>"
                 "<th>last error</th></tr>\n",
                 page->r);
    for (i = 0; i < count && i < KEY_SETS_SHOWN; i++)
        put_key_set(page, i, &states[i]);
    end(page);
}

static void put_refusals(const page_t *page)
{
    whk_refusal_t refusals[WHK_REFUSALS_KEPT];
    apr_pool_t *pool = page->r->pool;
    int count = whk_refusals_read(page->metrics, refusals);
    int i;

    if (page->is_short || !count)
        return;
    ap_rputs("<h3>Refused last</h3>\n<table border=\"1\">\n<tr><th>when</th><th>door</th>"
             "<th>code</th><th>enterprise</th><th>keyId</th><th>client</th><th>requestId</th>"
             "</tr>\n",
             page->r);
    for (i = 0; i < count; i++)
        ap_rprintf(
            page->r,
            "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>"
            "<td>%s</td></tr>\n",
            whk_time_format(pool, refusals[i].at), whk_label_word(WHK_LABEL_DOOR, refusals[i].door),
            whk_code_name(refusals[i].code), ap_escape_html(pool, refusals[i].enterprise),
            ap_escape_html(pool, refusals[i].key_id), ap_escape_html(pool, refusals[i].client),
            ap_escape_html(pool, refusals[i].request_id));
    end(page);
}

static int put_section(request_rec *r, int flags)
{
    page_t page = {r, whk_metrics_used(), (flags & AP_STATUS_SHORT) != 0};

    if (!page.metrics)
        return DECLINED;
    if (!page.is_short)
        ap_rputs("<hr>\n<h2>mod_webhook_keys</h2>\n", r);
    begin(&page, "Module");
    put(&page, "Version", whk_metrics_version(page.metrics));
    end(&page);
    put_webhooks(&page);
    put_api(&page);
    put_node(&page);
    put_key_sets(&page);
    put_refusals(&page);
    return OK;
}

int whk_status_page_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    APR_OPTIONAL_HOOK(ap, status_hook, put_section, NULL, NULL, APR_HOOK_MIDDLE);
    return OK;
}
