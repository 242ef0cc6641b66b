/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/database_watch.h"

#include <stdatomic.h>

#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/other_directives.h"
#include "httpd/server_state.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "store/dialect.h"
#include "store/schema_version.h"
#include "store/store.h"

APLOG_USE_MODULE(webhook_keys);

/* How often the node looks whether it is back: a connection that was good for one may be one that
 * is about to end. */
#define LOOK_EVERY apr_time_from_msec(200)

/* Of all processes of a node. */
typedef struct state_t {
    _Atomic apr_int64_t away_since; /* by whk_clock_now(); 0: it is there */
    _Atomic apr_int64_t good_since; /* it was found good, and not bad since; 0: it was not */
    _Atomic apr_int64_t looked_at;
    _Atomic apr_uint32_t answered; /* requests, meanwhile */
    _Atomic apr_uint32_t silent;
} state_t;

typedef struct whk_database_watch_t {
    state_t *state;
    const char *driver;
    const char *params;
} whk_database_watch_t;

static whk_database_watch_t *watch_of(const server_rec *s)
{
    return whk_server_of(s)->database_watch;
}

/* ---- is it there? ---- */

static apr_status_t close_connection(void *connection)
{
    const whk_connection_t *closed = connection;

    apr_dbd_close(closed->driver, closed->handle);
    return APR_SUCCESS;
}

static const char *one_line(apr_pool_t *pool, const char *text)
{
    char *copy = apr_pstrdup(pool, text);
    char *end = copy + strlen(copy);
    char *c;

    while (end > copy && (end[-1] == '\n' || end[-1] == ' '))
        *--end = '\0';
    for (c = copy; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    return copy;
}

/* SQLite makes a file that is not there. */
static const char *file_flaw(const whk_database_watch_t *watch, apr_pool_t *pool)
{
    const whk_dialect_t *dialect = whk_dialect_of(watch->driver);
    apr_finfo_t info;
    apr_status_t status;

    if (!dialect || !dialect->is_file)
        return NULL;
    status = apr_stat(&info, watch->params, APR_FINFO_TYPE | APR_FINFO_SIZE, pool);
    if (status == APR_SUCCESS && info.filetype == APR_REG && info.size > 0)
        return NULL;
    if (status == APR_SUCCESS)
        return apr_psprintf(pool, "%s is empty, or no file", watch->params);
    return apr_psprintf(pool, "%s: %pm", watch->params, &status);
}

/* By a connection of its own.
 * @param met what somebody met; NULL: nothing
 * @return NULL: it is there, and has our schema; or what is wrong */
static const char *look(const whk_database_watch_t *watch, const whk_outcome_t *met,
                        apr_pool_t *pool)
{
    whk_connection_t connection = {0};
    const char *flaw = file_flaw(watch, pool);
    const whk_outcome_t *outcome;
    const char *error = NULL;
    int version;

    if (flaw)
        return flaw;
    if (apr_dbd_get_driver(pool, watch->driver, &connection.driver) != APR_SUCCESS)
        return "its driver can't be loaded";
    if (apr_dbd_open_ex(connection.driver, pool, watch->params, &connection.handle, &error) !=
        APR_SUCCESS)
        return error ? one_line(pool, error) : "no connection is to be had";
    apr_pool_cleanup_register(pool, &connection, close_connection, apr_pool_cleanup_null);
    apr_pool_create(&connection.pool, pool);
    outcome = whk_store_schema_version(whk_store_create_over(pool, &connection), pool, &version);
    apr_pool_destroy(connection.pool);
    apr_pool_cleanup_run(pool, &connection, close_connection);
    if (outcome)
        return one_line(pool, whk_outcome_reason(outcome));
    if (version == whk_schema_version())
        return NULL;
    return met ? one_line(pool, whk_outcome_reason(met)) : "it has another schema";
}

/* ---- it goes, and comes back ---- */

static void report_away(server_rec *s, apr_pool_t *pool, const whk_outcome_t *outcome)
{
    whk_database_watch_t *watch = watch_of(s);
    apr_int64_t there = 0;
    const char *flaw = look(watch, outcome, pool);

    if (!flaw ||
        !atomic_compare_exchange_strong(&watch->state->away_since, &there, whk_clock_now()))
        return;
    atomic_store(&watch->state->good_since, 0);
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                 WHK_LOGNO(0120) "the registry's database is away: %s. Until it is back known "
                                 "keys verify webhooks for WebhookKeysMaxStale, and all else is "
                                 "answered 503 store_unavailable, which is logged no more; see the "
                                 "database's own log, and whkctl -f HTTPD_CONF check",
                 flaw);
}

static int is_turn_to_look(state_t *state)
{
    apr_int64_t now = whk_clock_now();
    apr_int64_t looked_at = atomic_load(&state->looked_at);

    return now - looked_at >= LOOK_EVERY &&
           atomic_compare_exchange_strong(&state->looked_at, &looked_at, now);
}

/* It is back once it was good for WebhookKeysRevocationLag: until then what is known may be too old
 * for webhooks, which get 503 of this. */
static void report_back(server_rec *s, apr_pool_t *pool)
{
    state_t *state = watch_of(s)->state;
    apr_int64_t unknown = 0;
    apr_int64_t good_since;
    apr_int64_t since;

    if (!is_turn_to_look(state) || look(watch_of(s), NULL, pool))
        return;
    atomic_compare_exchange_strong(&state->good_since, &unknown, whk_clock_now());
    good_since = atomic_load(&state->good_since);
    if (!good_since || whk_clock_now() - good_since < whk_config_of_server(s)->revocation_lag)
        return;
    since = atomic_exchange(&state->away_since, 0);
    if (since)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     WHK_LOGNO(0121) "the registry's database is back: it was away for %d s, and "
                                     "%u requests were answered 503 store_unavailable meanwhile",
                     (int)apr_time_sec(good_since - since), atomic_exchange(&state->answered, 0));
}

void whk_database_watch_report(server_rec *s, apr_pool_t *pool, const whk_outcome_t *outcome)
{
    const whk_database_watch_t *watch = watch_of(s);
    int is_away = watch && atomic_load(&watch->state->away_since) != 0;

    if (is_away && outcome)
        atomic_store(&watch->state->good_since, 0);
    else if (is_away)
        report_back(s, pool);
    else if (watch && outcome)
        report_away(s, pool, outcome);
}

int whk_database_watch_explains(const server_rec *s, const whk_outcome_t *outcome)
{
    const whk_database_watch_t *watch = watch_of(s);

    return watch && outcome && outcome->code == WHK_STORE_UNAVAILABLE &&
           atomic_load(&watch->state->away_since);
}

apr_time_t whk_database_watch_away_since(const server_rec *s)
{
    const whk_database_watch_t *watch = watch_of(s);

    return watch ? atomic_load(&watch->state->away_since) : 0;
}

void whk_database_watch_count(const server_rec *s)
{
    atomic_fetch_add(&watch_of(s)->state->answered, 1);
}

void whk_database_watch_keep_silent(const server_rec *s)
{
    atomic_store(&watch_of(s)->state->silent, 1);
}

int whk_database_watch_was_silent(const server_rec *s)
{
    const whk_database_watch_t *watch = watch_of(s);

    return watch && atomic_exchange(&watch->state->silent, 0);
}

/* ---- start-up ---- */

/* What no LogLevel names is negative. */
static void silence_mod_dbd(server_rec *s, apr_pool_t *pconf)
{
    const module *dbd = ap_find_linked_module("mod_dbd.c");

    if (!dbd || s->log.level >= APLOG_DEBUG ||
        (s->log.module_levels && s->log.module_levels[dbd->module_index] >= 0))
        return;
    ap_set_module_loglevel(pconf, &s->log, dbd->module_index, APLOG_EMERG);
}

static whk_database_watch_t *find(server_rec *main_server, const server_rec *until,
                                  const whk_other_settings_t *settings)
{
    const server_rec *s;

    for (s = main_server; s != until; s = s->next) {
        whk_database_watch_t *watch = watch_of(s);

        if (watch && !strcmp(watch->driver, settings->driver) &&
            !strcmp(watch->params, settings->params))
            return watch;
    }
    return NULL;
}

static whk_database_watch_t *create(apr_pool_t *pconf, server_rec *s,
                                    const whk_other_settings_t *settings)
{
    whk_database_watch_t *watch = apr_pcalloc(pconf, sizeof(*watch));
    apr_shm_t *memory;
    apr_status_t status = apr_shm_create(&memory, sizeof(*watch->state), NULL, pconf);

    watch->driver = settings->driver;
    watch->params = settings->params;
    if (status == APR_SUCCESS) {
        watch->state = memset(apr_shm_baseaddr_get(memory), 0, sizeof(*watch->state));
        return watch;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, status, s,
                 WHK_LOGNO(0031) "no shared memory to know in whether the database is away: each "
                                 "process tells it for itself; see the system's limits (ipcs -l, "
                                 "df /dev/shm)");
    watch->state = apr_pcalloc(pconf, sizeof(*watch->state));
    return watch;
}

int whk_database_watch_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *main_server)
{
    server_rec *s;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    for (s = main_server; s; s = s->next) {
        const whk_other_settings_t settings = whk_other_settings_of(s, main_server);
        whk_server_t *server = ap_get_module_config(s->module_config, &webhook_keys_module);

        if (!settings.driver || !settings.params)
            continue;
        server->database_watch = find(main_server, s, &settings);
        if (!server->database_watch)
            server->database_watch = create(pconf, s, &settings);
        silence_mod_dbd(s, pconf);
    }
    return OK;
}
