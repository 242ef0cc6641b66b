/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/watchdog_tasks.h"

#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>

#include "httpd/child_shutdown.h"
#include "httpd/config.h"
#include "httpd/counters_shm.h"
#include "httpd/database.h"
#include "httpd/database_watch.h"
#include "httpd/directory_shm.h"
#include "httpd/measure.h"
#include "httpd/notify_task.h"
#include "httpd/other_directives.h"
#include "httpd/server_fetchers.h"
#include "httpd/server_state.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "registry/due_revocations.h"
#include "registry/jwk_set_refresh.h"

APLOG_USE_MODULE(webhook_keys);

/* Polls of a node in a WebhookKeysRevocationLag. */
#define POLLS_PER_LAG 3

/* Once a node. */
#define REFRESH_EVERY apr_time_from_msec(750)

/* How often each process looks whether somebody did that: a watchdog looks at its clock no more
 * often than the first. */
#define LOOK_FOR_POLL_EVERY AP_WD_TM_SLICE
#define LOOK_FOR_REFRESH_EVERY apr_time_from_msec(250)

#define WRITE_USES_EVERY apr_time_from_sec(5)

#define MEASURE_EVERY apr_time_from_sec(1)

/* Once a node; where it has no memory to agree in, as one that verifies no webhooks, once a
 * process.
 */
#define REVOKE_DUE_EVERY apr_time_from_sec(2)
#define REVOKE_DUE_ALONE_EVERY apr_time_from_sec(5)
#define LOOK_FOR_REVOKE_DUE_EVERY apr_time_from_msec(500)

/* Whose number is the cause's, if it has one. */
static void report(server_rec *s, const whk_outcome_t *outcome, const char *fails,
                   const char *works)
{
    if (whk_database_watch_explains(s, outcome))
        whk_database_watch_keep_silent(s);
    else if (!outcome && whk_database_watch_was_silent(s))
        return;
    else if (!outcome)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "%s", works);
    else if (outcome->operator_hint)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "%s; so %s fails", outcome->operator_hint,
                     fails + WHK_LOGNO_LENGTH);
    else
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "%s fails: %s", fails, outcome->message);
}

static void report_news(server_rec *s, const whk_outcome_t *outcome, int *was_failing,
                        const char *fails, const char *works)
{
    if (whk_database_watch_explains(s, outcome))
        return;
    if ((outcome != NULL) != *was_failing)
        report(s, outcome, fails, works);
    *was_failing = outcome != NULL;
}

/* Whoever calls between has all that a child has until it ends. */
static int begin(int state)
{
    return state == AP_WATCHDOG_STATE_RUNNING && whk_shutdown_task_begin();
}

static apr_status_t end(void)
{
    whk_shutdown_task_end();
    return APR_SUCCESS;
}

static void poll_changes(server_rec *s, whk_key_cache_t *cache, apr_pool_t *pool)
{
    int is_news = 0;
    const whk_outcome_t *outcome =
        whk_change_poll_if_due(cache->poll, whk_database_store(s, pool),
                               cache->directory.lag / POLLS_PER_LAG, &is_news, pool);

    if (is_news)
        report(s, outcome, WHK_LOGNO(0070) "asking the registry which keys changed",
               WHK_LOGNO(0071) "asking the registry which keys changed works again");
    if (whk_directory_became_full(&cache->directory))
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     WHK_LOGNO(0062) "there are more than %u enterprises: of those beyond, the "
                                     "registry's database is asked about each webhook; set a "
                                     "greater WebhookKeysMaxEnterprises, and start httpd anew",
                     whk_directory_most(cache->directory.block));
}

static apr_status_t measure(int state, void *data, apr_pool_t *pool)
{
    if (!begin(state))
        return APR_SUCCESS;
    whk_measure(data, pool);
    return end();
}

static apr_status_t poll(int state, void *data, apr_pool_t *pool)
{
    server_rec *s = data;
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);

    if (!begin(state))
        return APR_SUCCESS;
    if (server->key_cache) {
        if (!server->met_connection)
            whk_database_meet_connection(s, pool);
        server->met_connection = 1;
        poll_changes(s, server->key_cache, pool);
    }
    return end();
}

static void write_uses_of(server_rec *s, apr_pool_t *pool)
{
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);

    if (server->key_cache)
        report_news(s,
                    whk_key_uses_write(server->key_cache->uses, whk_database_store(s, pool), pool),
                    &server->write_uses_fails, WHK_LOGNO(0072) "writing lastUsedDate",
                    WHK_LOGNO(0073) "writing lastUsedDate works again");
}

static apr_status_t write_uses(int state, void *data, apr_pool_t *pool)
{
    if (!begin(state))
        return APR_SUCCESS;
    write_uses_of(data, pool);
    return end();
}

/* When a child ends, what it noted last is not lost: after its tasks, and while its connections and
 * mutexes are there still. */
static apr_status_t write_last_uses(void *data)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return APR_ENOMEM;
    write_uses_of(data, pool);
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

static int is_stopping(void *data)
{
    (void)data;
    return *whk_shutdown_tasks_stopped() != 0;
}

static void report_set(void *data, const char *where, const whk_outcome_t *outcome)
{
    server_rec *s = data;

    if (outcome)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     WHK_LOGNO(0063) "the key set at %s could not be fetched: %s; its keys serve "
                                     "until WebhookKeysMaxStale is over",
                     where, whk_outcome_reason(outcome));
    else
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     WHK_LOGNO(0064) "the key set at %s can be fetched again", where);
}

/* Each process of what its own requests met. */
static void ask_for_wanted_sets(server_rec *s, whk_server_t *server, apr_pool_t *pool)
{
    report_news(s,
                whk_wanted_sets_ask(server->key_cache->wanted, whk_database_store(s, pool), pool),
                &server->asking_fails, WHK_LOGNO(0074) "asking for a key set that is followed",
                WHK_LOGNO(0075) "asking for a key set that is followed works again");
}

static apr_status_t refresh_sets(int state, void *data, apr_pool_t *pool)
{
    server_rec *s = data;
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);
    const whk_config_t *config = whk_config_of_server(s);
    const whk_refresh_t refresh = {config->max_stale, report_set, is_stopping, s};
    whk_registry_t registry = {
        pool, NULL, &config->policy, NULL, whk_counters_shm(), server->secret_key};
    whk_remote_t remote;

    if (!begin(state))
        return APR_SUCCESS;
    if (server->key_cache)
        ask_for_wanted_sets(s, server, pool);
    if (server->key_cache &&
        whk_directory_take_turn(&server->key_cache->directory, WHK_TURN_REFRESH, REFRESH_EVERY)) {
        remote = *whk_server_fetchers_of(s);
        remote.stop = whk_shutdown_tasks_stopped();
        registry.remote = &remote;
        registry.store = whk_database_store(s, pool);
        report_news(s, whk_refresh_due_sets(&registry, &refresh), &server->refresh_fails,
                    WHK_LOGNO(0076) "refreshing key sets by URI",
                    WHK_LOGNO(0077) "refreshing key sets by URI works again");
    }
    return end();
}

static int is_turn_to_revoke(whk_server_t *server)
{
    if (server->key_cache)
        return whk_directory_take_turn(&server->key_cache->directory, WHK_TURN_REVOKE_DUE,
                                       REVOKE_DUE_EVERY);
    if (server->revoked_due && whk_clock_now() - server->revoked_due < REVOKE_DUE_ALONE_EVERY)
        return 0;
    server->revoked_due = whk_clock_now();
    return 1;
}

static apr_status_t revoke_due(int state, void *data, apr_pool_t *pool)
{
    server_rec *s = data;
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);
    whk_registry_t registry = {.pool = pool,
                               .policy = &whk_config_of_server(s)->policy,
                               .counters = whk_counters_shm(),
                               .secret = server->secret_key};

    if (!begin(state))
        return APR_SUCCESS;
    if (is_turn_to_revoke(server)) {
        registry.store = whk_database_store(s, pool);
        report_news(s, whk_revoke_due_keys(&registry, is_stopping, s), &server->revoke_due_fails,
                    WHK_LOGNO(0078) "writing down which keys were revoked as planned",
                    WHK_LOGNO(0079) "writing down which keys were revoked as planned works again");
    }
    return end();
}

static apr_status_t start_task(server_rec *s, const char *name, apr_interval_time_t interval,
                               ap_watchdog_callback_fn_t *task)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *register_callback =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    apr_status_t status;

    if (!get_instance || !register_callback)
        return APR_ENOTIMPL;
    status = get_instance(&watchdog, name, 0, 0, s->process->pool);
    return status == APR_SUCCESS ? register_callback(watchdog, interval, s, task) : status;
}

/* Two threads: a write that waits for its lock must not keep a poll waiting. */
static apr_status_t start_tasks(server_rec *s)
{
    apr_status_t status = start_task(s, "_webhook_keys_poll_", LOOK_FOR_POLL_EVERY, poll);

    if (status == APR_SUCCESS)
        status = start_task(s, "_webhook_keys_background_", WRITE_USES_EVERY, write_uses);
    return status == APR_SUCCESS
               ? start_task(s, "_webhook_keys_background_", LOOK_FOR_REFRESH_EVERY, refresh_sets)
               : status;
}

/* A section of the main server is in force in its virtual hosts too. */
static int verifies(const server_rec *s, const server_rec *main_server)
{
    return whk_server_of(s)->verifies || whk_server_of(main_server)->verifies;
}

static int serves(const server_rec *s, const server_rec *main_server)
{
    return whk_server_of(s)->others.serves || whk_server_of(main_server)->others.serves;
}

static apr_status_t set_up(server_rec *s, server_rec *main_server)
{
    whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);

    server->directory = whk_directory_shm_get(s, main_server);
    return server->directory ? start_tasks(s) : APR_ENOMEM;
}

static int has_keys(const server_rec *s, const server_rec *main_server)
{
    return whk_server_of(s)->secret_key && (verifies(s, main_server) || serves(s, main_server));
}

static int is_same(const char *one, const char *other)
{
    return one && other ? !strcmp(one, other) : one == other;
}

/* Among those that `takes_part`. */
static int is_first_of_its_database(const server_rec *s, server_rec *main_server,
                                    int (*takes_part)(const server_rec *s,
                                                      const server_rec *main_server))
{
    const whk_other_settings_t own = whk_other_settings_of(s, main_server);
    const server_rec *each;

    for (each = main_server; each != s; each = each->next) {
        const whk_other_settings_t settings = whk_other_settings_of(each, main_server);

        if (takes_part(each, main_server) && is_same(own.driver, settings.driver) &&
            is_same(own.params, settings.params))
            return 0;
    }
    return 1;
}

/* Once for each database, by a server that verifies webhooks or one that serves the API alone. What
 * is planned holds without it: where it can't be started another node may write it down. */
static void set_up_revoke_due(server_rec *s, server_rec *main_server)
{
    apr_status_t status;

    if (!has_keys(s, main_server) || !is_first_of_its_database(s, main_server, has_keys))
        return;
    status = start_task(s, "_webhook_keys_background_", LOOK_FOR_REVOKE_DUE_EVERY, revoke_due);
    if (status != APR_SUCCESS)
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, status, s,
            WHK_LOGNO(0065) "keys are revoked as planned, but this server does not write down that "
                            "they were: load mod_watchdog (LoadModule watchdog_module)");
}

static int tells(const server_rec *s, const server_rec *main_server)
{
    return whk_config_of_server(s)->notify && has_keys(s, main_server);
}

/* A thread of its own: a program may take its time. Once for each database, as above. */
static void set_up_notify(server_rec *s, server_rec *main_server)
{
    apr_status_t status;

    if (!tells(s, main_server) || !is_first_of_its_database(s, main_server, tells))
        return;
    status = start_task(s, "_webhook_keys_notify_", LOOK_FOR_REVOKE_DUE_EVERY, whk_notify_task);
    if (status != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_ERR, status, s,
                     WHK_LOGNO(0944) "WebhookKeysNotify tells nobody: load mod_watchdog "
                                     "(LoadModule watchdog_module)");
}

/* Where it can't be started, what verifies can't either, and all others go without gauges. */
static void set_up_measuring(server_rec *main_server)
{
    server_rec *s = main_server;

    while (s && !verifies(s, main_server) && !serves(s, main_server))
        s = s->next;
    if (s)
        start_task(main_server, "_webhook_keys_poll_", MEASURE_EVERY, measure);
}

int whk_watchdog_tasks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *s)
{
    apr_status_t status;
    server_rec *each;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    status = whk_counters_shm_create(s->process->pool);
    for (each = s; each && status == APR_SUCCESS; each = each->next)
        if (verifies(each, s))
            status = set_up(each, s);
    set_up_measuring(s);
    whk_directory_shm_tidy();
    for (each = s; each && status == APR_SUCCESS; each = each->next)
        set_up_revoke_due(each, s);
    for (each = s; each && status == APR_SUCCESS; each = each->next)
        set_up_notify(each, s);
    if (status == APR_SUCCESS)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                 WHK_LOGNO(0066) "the background tasks that keep keys up to date can't be set up: "
                                 "load mod_watchdog (LoadModule watchdog_module), and see whether "
                                 "shared memory is left");
    return HTTP_INTERNAL_SERVER_ERROR;
}

static void report_restored(void *data)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, (server_rec *)data,
                 WHK_LOGNO(0067) "the registry went back: its newest changes are gone, as where an "
                                 "older database was restored; what was known of it is dropped, "
                                 "and it serves as it is now: revoke anew what was revoked since, "
                                 "and run whkctl audit verify (docs/operations.md, Backup)");
}

/* Virtual hosts share the size out among them. */
static apr_size_t size_of_each(server_rec *s)
{
    const server_rec *each;
    apr_int64_t count = 0;

    for (each = s; each; each = each->next)
        count += whk_server_of(each)->directory != NULL;
    return (apr_size_t)(whk_config_of_server(s)->cache_size / (count ? count : 1));
}

static whk_key_cache_t *make_cache(server_rec *s, apr_size_t size, apr_pool_t *pool)
{
    const whk_server_t *server = whk_server_of(s);
    const whk_config_t *config = whk_config_of_server(s);
    const whk_key_cache_settings_t settings = {
        .validity = {server->secret_key, config->max_stale, config->policy.jwks_uri_refresh},
        .size = size,
        .block = server->directory->block,
        .lag = config->revocation_lag,
        .poll = {.counters = whk_counters_shm(),
                 .mutex = server->directory->mutex,
                 .restored = report_restored,
                 .baton = s,
                 .stop = whk_shutdown_tasks_stopped()}};

    return whk_key_cache_create(&settings, pool);
}

void whk_watchdog_tasks_child_init(apr_pool_t *pool, server_rec *s)
{
    apr_size_t size = size_of_each(s);
    server_rec *each;

    whk_directory_shm_child_init(pool, s);
    for (each = s; each; each = each->next) {
        whk_server_t *server = ap_get_module_config(each->module_config, &webhook_keys_module);

        if (!server->directory)
            continue;
        server->key_cache = make_cache(each, size, pool);
        if (server->key_cache)
            apr_pool_pre_cleanup_register(pool, each, write_last_uses);
        else
            ap_log_error(
                APLOG_MARK, APLOG_CRIT, 0, each,
                WHK_LOGNO(0068) "out of memory for keys: this process lets no webhook pass");
    }
}
