/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/rollout.h"

#include <stdatomic.h>

#include <apr_shm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/request.h"
#include "model/clock.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

#define BETWEEN_LINES apr_time_from_sec(60)

typedef struct whk_rollout_counter_t {
    _Atomic apr_int64_t logged_at; /* by whk_clock_now(); 0: never */
    _Atomic apr_uint32_t waiting;  /* met since then */
} whk_rollout_counter_t;

#define COUNTERS_SIZE (WHK_CODE_COUNT * sizeof(whk_rollout_counter_t))

whk_rollout_t *whk_rollout_create(const cmd_parms *cmd)
{
    whk_rollout_t *rollout = apr_pcalloc(cmd->pool, sizeof(*rollout));

    rollout->place =
        apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    rollout->counters = apr_pcalloc(cmd->pool, COUNTERS_SIZE);
    return rollout;
}

void whk_rollout_update_server(whk_server_t *server, const void *enforce)
{
    whk_rollout_t *rollout = ((const whk_enforce_config_t *)enforce)->rollout;

    if (!rollout)
        return;
    rollout->next = server->rollouts;
    server->rollouts = rollout;
}

/* ---- counting ---- */

/* @return how many the line that is due now is about; 0: none is */
static apr_uint32_t count(whk_rollout_counter_t *counter)
{
    apr_int64_t now = whk_clock_now();
    apr_int64_t logged_at = atomic_load(&counter->logged_at);

    atomic_fetch_add(&counter->waiting, 1);
    if (logged_at && now - logged_at < BETWEEN_LINES)
        return 0;
    if (!atomic_compare_exchange_strong(&counter->logged_at, &logged_at, now))
        return 0;
    return atomic_exchange(&counter->waiting, 0);
}

static const char *what_to_do(whk_code_t code)
{
    return whk_code_status(code) >= 500
               ? "Mend that before you set WebhookKeysEnforce On"
               : "Have their senders mend that before you set WebhookKeysEnforce On: "
                 "docs/signing.md, \"When it is refused\"";
}

void whk_rollout_count(const whk_rollout_t *rollout, request_rec *r, const whk_outcome_t *outcome)
{
    apr_uint32_t met = count(&rollout->counters[outcome->code]);

    if (met)
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            WHK_LOGNO(0028) "%s: WebhookKeysEnforce Off (%s) let %u of these through since it was "
                            "last logged, now one to %s: %s. %s [request %s]",
            whk_code_name(outcome->code), rollout->place, met, r->uri, whk_outcome_reason(outcome),
            what_to_do(outcome->code), whk_request_of(r)->id);
}

/* ---- start-up ---- */

static void warn(server_rec *main_server, apr_pool_t *ptemp)
{
    const char *places = "";
    const server_rec *s;
    int n = 0;

    for (s = main_server; s; s = s->next) {
        const whk_rollout_t *each = whk_server_of(s)->rollouts;

        for (; each; each = each->next, n++)
            places = apr_pstrcat(ptemp, each->place, n ? ", " : "", places, NULL);
    }
    if (n)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     WHK_LOGNO(0029) "WebhookKeysEnforce Off is in force in %d place%s (%s): "
                                     "handlers there get webhooks that nobody signed, or not as "
                                     "they must; set it On once none is logged any more",
                     n, n == 1 ? "" : "s", places);
}

int whk_rollout_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST)
        warn(s, ptemp);
    return OK;
}

static int count_places(const server_rec *s)
{
    int n = 0;

    for (; s; s = s->next) {
        const whk_rollout_t *each = whk_server_of(s)->rollouts;

        for (; each; each = each->next)
            n++;
    }
    return n;
}

/* Without a name: children get it by being forked, and those of before a reload keep theirs. */
static void share_counters(server_rec *main_server, int places, apr_pool_t *pconf)
{
    apr_shm_t *memory;
    apr_status_t status = apr_shm_create(&memory, (apr_size_t)places * COUNTERS_SIZE, NULL, pconf);
    char *next;
    const server_rec *s;

    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, status, main_server,
                     WHK_LOGNO(0030) "no shared memory for what WebhookKeysEnforce Off counts: "
                                     "each process counts and logs for itself");
        return;
    }
    next = apr_shm_baseaddr_get(memory);
    memset(next, 0, (apr_size_t)places * COUNTERS_SIZE);
    for (s = main_server; s; s = s->next) {
        whk_rollout_t *each = whk_server_of(s)->rollouts;

        for (; each; each = each->next, next += COUNTERS_SIZE)
            each->counters = (whk_rollout_counter_t *)next;
    }
}

int whk_rollout_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    int places = count_places(s);

    (void)plog;
    if (!places || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    warn(s, ptemp);
    share_counters(s, places, pconf);
    return OK;
}
