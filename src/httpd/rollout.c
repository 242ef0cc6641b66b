/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/rollout.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/limited_log.h"
#include "httpd/request.h"
#include "metrics/metrics.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

#define LINES_A_MINUTE 1

whk_rollout_t *whk_rollout_create(const cmd_parms *cmd)
{
    whk_rollout_t *rollout = apr_pcalloc(cmd->pool, sizeof(*rollout));

    rollout->place =
        apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    rollout->what =
        apr_psprintf(cmd->pool, "let through by WebhookKeysEnforce Off (%s)", rollout->place);
    rollout->counters = apr_pcalloc(cmd->pool, WHK_LIMITED_COUNTERS_SIZE);
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

static const char *what_to_do(whk_code_t code)
{
    return whk_code_status(code) >= 500
               ? "Mend that before you set WebhookKeysEnforce On"
               : "Have their senders mend that before you set WebhookKeysEnforce On: "
                 "docs/signing.md, \"When it is refused\"";
}

void whk_rollout_count(const whk_rollout_t *rollout, request_rec *r, const whk_outcome_t *outcome)
{
    whk_metrics_count(WHK_LET_THROUGH, (int)outcome->code, 0);
    if (whk_limited_log_may_by(r, rollout->counters, rollout->what, LINES_A_MINUTE, outcome->code))
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHK_LOGNO(0028) "%s: WebhookKeysEnforce Off (%s) let one of these through to "
                                      "%.200s: %s. %s [request %s]",
                      whk_code_name(outcome->code), rollout->place, r->uri,
                      whk_outcome_reason(outcome), what_to_do(outcome->code),
                      whk_request_of(r)->id);
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

static void share_counters(server_rec *main_server, apr_pool_t *pconf)
{
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        whk_rollout_t *each = whk_server_of(s)->rollouts;

        for (; each; each = each->next)
            each->counters = whk_limited_log_counters(pconf, main_server, each->what);
    }
}

int whk_rollout_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    warn(s, ptemp);
    share_counters(s, pconf);
    return OK;
}
