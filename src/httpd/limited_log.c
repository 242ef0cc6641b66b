/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/limited_log.h"

#include <unistd.h>

#include <apr_lib.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>

#include "model/clock.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

#define NAME_MOST 100

/* A set of counters, and what they are of. */
typedef struct set_t {
    const char *what;
    whk_limited_count_t *counters;
    struct set_t *next;
} set_t;

static const struct {
    const char *what;
    apr_uint32_t most;
} doors[WHK_DOOR_COUNT] = {
    /* Whoever bans clients by these lines needs each. */
    [WHK_DOOR_API] = {"requests to the API", 100},
    [WHK_DOOR_WEBHOOK] = {"webhooks", 10},
    [WHK_DOOR_ANSWER] = {"answers", 10},
};

static set_t *sets;
static whk_limited_count_t *of_door[WHK_DOOR_COUNT];

/* ---- the line of what was counted ---- */

static server_rec *server_of(apr_uint32_t index)
{
    server_rec *s = ap_server_conf;

    while (index-- && s && s->next)
        s = s->next;
    return s;
}

static apr_uint32_t index_of(const server_rec *server)
{
    const server_rec *s;
    apr_uint32_t index = 0;

    for (s = ap_server_conf; s && s != server; s = s->next)
        index++;
    return index;
}

static void tell(whk_limited_count_t *count, const char *what, whk_code_t code, int at_once)
{
    whk_limited_report_t report;

    if (whk_limited_count_take(count, whk_clock_now(), at_once, &report))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server_of(report.server),
                     WHK_LOGNO(0392) "%s: %u more %s in the last %d s, of %s%d enterprises, beside "
                                     "those that were logged one by one; the last: %s",
                     whk_code_name(code), report.count, what, report.seconds,
                     report.names ? "at least " : "", report.names, report.last);
}

static void tell_all(int at_once)
{
    const set_t *set;
    int code;

    for (set = sets; set; set = set->next)
        for (code = 0; code < WHK_CODE_COUNT; code++)
            tell(&set->counters[code], set->what, (whk_code_t)code, at_once);
}

int whk_limited_log_monitor(apr_pool_t *pool, server_rec *s)
{
    (void)pool;
    (void)s;
    tell_all(0);
    return OK;
}

/* ---- counting ---- */

const char *whk_log_name(apr_pool_t *pool, const char *name)
{
    char *text;
    char *end;
    int left = NAME_MOST;

    if (!name)
        return "-";
    text = end = apr_palloc(pool, NAME_MOST * 3 + 1);
    for (; *name && left--; name++)
        if (apr_isascii(*name) && apr_isgraph(*name) && !strchr("\"\\[]%", *name))
            *end++ = *name;
        else
            end += apr_snprintf(end, 4, "%%%02X", (unsigned char)*name);
    *end = '\0';
    return text;
}

static const char *description(request_rec *r)
{
    const whk_request_t *request = whk_request_of(r);

    return apr_psprintf(r->pool, "enterprise %s, claimed keyId %s, client %s [request %s]",
                        whk_log_name(r->pool, request->enterprise_id),
                        whk_log_name(r->pool, request->claimed_key_id), r->useragent_ip,
                        request->id);
}

int whk_limited_log_may_by(request_rec *r, whk_limited_count_t *counters, const char *what,
                           apr_uint32_t most, whk_code_t code)
{
    whk_limited_count_t *count = &counters[code];

    tell(count, what, code, 0);
    return whk_limited_count_add(count, whk_clock_now(), most, whk_request_of(r)->enterprise_id,
                                 index_of(r->server), description(r));
}

int whk_limited_log_may(request_rec *r, whk_door_t door, whk_code_t code)
{
    return !of_door[door] ||
           whk_limited_log_may_by(r, of_door[door], doors[door].what, doors[door].most, code);
}

/* ---- start-up ---- */

/* Without a name: children get it by being forked, and those of before a reload keep theirs. */
static whk_limited_count_t *share(apr_pool_t *pconf, server_rec *s)
{
    apr_shm_t *memory;
    apr_status_t status = apr_shm_create(&memory, WHK_LIMITED_COUNTERS_SIZE, NULL, pconf);

    if (status == APR_SUCCESS)
        return memset(apr_shm_baseaddr_get(memory), 0, WHK_LIMITED_COUNTERS_SIZE);
    ap_log_error(
        APLOG_MARK, APLOG_WARNING, status, s,
        WHK_LOGNO(0030) "no shared memory for lines of the log that are limited in number: "
                        "each process counts and logs for itself; see the system's limits "
                        "(ipcs -l, df /dev/shm)");
    return apr_pcalloc(pconf, WHK_LIMITED_COUNTERS_SIZE);
}

whk_limited_count_t *whk_limited_log_counters(apr_pool_t *pconf, server_rec *s, const char *what)
{
    set_t *set = apr_pcalloc(pconf, sizeof(*set));

    set->what = what;
    set->counters = share(pconf, s);
    set->next = sets;
    sets = set;
    return set->counters;
}

/* Before the logs are closed. A child ends without it. */
static apr_status_t tell_rest(void *data)
{
    (void)data;
    tell_all(1);
    sets = NULL;
    memset(of_door, 0, sizeof(of_door));
    return APR_SUCCESS;
}

int whk_limited_log_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    int door;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    for (door = 0; door < WHK_DOOR_COUNT; door++)
        of_door[door] = whk_limited_log_counters(
            pconf, s, apr_pstrcat(pconf, doors[door].what, " refused", NULL));
    apr_pool_pre_cleanup_register(pconf, NULL, tell_rest);
    return OK;
}
