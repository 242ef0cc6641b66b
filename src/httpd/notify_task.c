/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/notify_task.h"

#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>

#include "httpd/child_shutdown.h"
#include "httpd/config.h"
#include "httpd/counters_shm.h"
#include "httpd/database.h"
#include "httpd/database_watch.h"
#include "httpd/notify_program.h"
#include "httpd/server_state.h"
#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "registry/key_notices.h"
#include "registry/notifications.h"
#include "store/notifications.h"

APLOG_USE_MODULE(webhook_keys);

/* Once a node; where it has no memory to agree in, as one that verifies no webhooks, once a
 * process: the registry's leases let one tell. */
#define TELL_EVERY apr_time_from_sec(1)
#define TELL_ALONE_EVERY apr_time_from_sec(5)

/* How often it is looked for what only time brings. */
#define LOOK_EVERY apr_time_from_sec(60)

/* What a program may take. */
#define PROGRAM_MOST apr_time_from_sec(60)

int whk_notify_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    for (; s; s = s->next) {
        const apr_array_header_t *command = whk_config_of_server(s)->notify;
        const char *flaw =
            command ? whk_notify_program_flaw(APR_ARRAY_IDX(command, 0, const char *), ptemp)
                    : NULL;

        if (!flaw)
            continue;
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     WHK_LOGNO(0940) "WebhookKeysNotify is \"%s\", but %s",
                     APR_ARRAY_IDX(command, 0, const char *), flaw);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static int is_stopping(void *data)
{
    (void)data;
    return *whk_shutdown_tasks_stopped() != 0;
}

static int tell(void *data, const char *name, const whk_event_t *event, const char *json,
                apr_pool_t *pool)
{
    server_rec *s = data;
    apr_array_header_t *command = apr_array_copy(pool, whk_config_of_server(s)->notify);
    const char *flaw;

    APR_ARRAY_PUSH(command, const char *) = name;
    APR_ARRAY_PUSH(command, const char *) = event->enterprise_id;
    APR_ARRAY_PUSH(command, const char *) = event->key_id ? event->key_id : "";
    flaw = whk_notify_program_run(command, json, PROGRAM_MOST, whk_shutdown_tasks_stopped(), pool);
    whk_metrics_count(WHK_NOTIFICATIONS, whk_label_index(WHK_LABEL_NOTIFICATION, name),
                      flaw ? WHK_DELIVERY_FAILED : WHK_DELIVERY_DONE);
    if (flaw && !is_stopping(s))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     WHK_LOGNO(0941) "nobody was told of event %" APR_INT64_T_FMT
                                     " (%s) of enterprise %s by %s: %s; it is tried again, and "
                                     "the enterprise's later ones wait: run the program by hand",
                     event->id, name, ap_escape_logitem(pool, event->enterprise_id),
                     APR_ARRAY_IDX(command, 0, const char *), flaw);
    return flaw == NULL;
}

static void pass(void *data, const whk_outcome_t *flaw)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, (server_rec *)data,
                 WHK_LOGNO(0945) "nobody is told of an event by WebhookKeysNotify: %s",
                 whk_outcome_reason(flaw));
}

static int is_turn(whk_server_t *server)
{
    if (server->key_cache)
        return whk_directory_take_turn(&server->key_cache->directory, WHK_TURN_NOTIFY, TELL_EVERY);
    if (server->notified && whk_clock_now() - server->notified < TELL_ALONE_EVERY)
        return 0;
    server->notified = whk_clock_now();
    return 1;
}

static const whk_outcome_t *tell_what_is_due(server_rec *s, whk_server_t *server,
                                             whk_registry_t *registry)
{
    const whk_notifier_t notifier = {tell, pass, is_stopping, s, PROGRAM_MOST};
    apr_time_t now = whk_clock_now();
    apr_time_t since;
    apr_int64_t pending;

    WHK_TRY(whk_notify_begin(registry, &since));
    if (!server->looked_for_notices || now - server->looked_for_notices >= LOOK_EVERY) {
        server->looked_for_notices = now;
        WHK_TRY(whk_write_key_notices(registry, is_stopping, s));
    }
    WHK_TRY(whk_notify_due(registry, &notifier));
    WHK_TRY(whk_store_notification_pending(registry->store, registry->pool, &pending));
    whk_metrics_set(WHK_NOTIFICATIONS_PENDING, 0, pending);
    return NULL;
}

static void report(server_rec *s, whk_server_t *server, const whk_outcome_t *outcome)
{
    int fails = outcome != NULL;

    if (whk_database_watch_explains(s, outcome))
        return;
    if (fails && !server->notify_fails)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     WHK_LOGNO(0942) "telling of events by WebhookKeysNotify fails: %s",
                     whk_outcome_reason(outcome));
    else if (!fails && server->notify_fails)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     WHK_LOGNO(0943) "telling of events by WebhookKeysNotify works again");
    server->notify_fails = fails;
}

apr_status_t whk_notify_task(int state, void *data, apr_pool_t *pool)
{
    server_rec *s = data;
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);
    whk_registry_t registry = {.pool = pool,
                               .policy = &whk_config_of_server(s)->policy,
                               .counters = whk_counters_shm(),
                               .secret = server->secret_key};

    if (state != AP_WATCHDOG_STATE_RUNNING || !whk_shutdown_task_begin())
        return APR_SUCCESS;
    if (is_turn(server)) {
        registry.store = whk_database_store(s, pool);
        report(s, server, tell_what_is_due(s, server, &registry));
    }
    whk_shutdown_task_end();
    return APR_SUCCESS;
}
