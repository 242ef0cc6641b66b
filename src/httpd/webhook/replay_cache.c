/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/replay_cache.h"

#include <time.h>

#include <ap_socache.h>
#include <apr_shm.h>
#include <http_core.h>
#include <http_log.h>
#include <util_mutex.h>

#include "httpd/child_mutex.h"
#include "httpd/config.h"
#include "httpd/server_state.h"
#include "metrics/metrics.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

/* Under this name memory and mutex outlive a reload, through which children of before and after it
 * go on beside each other. */
#define RETAINED_KEY "mod_webhook_keys replay memory"

/* How long a message is remembered whose signature never ends. */
#define REMEMBER_UNDATED apr_time_from_sec(86400)

typedef struct {
    whk_replay_table_t *memory;
    apr_global_mutex_t *mutex;
} retained_t;

static whk_replay_table_t *memory;
static apr_global_mutex_t *mutex;
static const whk_replay_provider_t *shared; /* NULL: this node's memory is all */
static apr_interval_time_t longest_max_age;
static apr_interval_time_t longest_clock_skew;

apr_time_t whk_replay_cache_expiry(apr_time_t signed_at, apr_time_t expires)
{
    apr_time_t until = 0;

    if (signed_at)
        until = signed_at + longest_max_age + longest_clock_skew;
    if (expires && (!until || expires + longest_clock_skew < until))
        until = expires + longest_clock_skew;
    return (until ? until : apr_time_now() + REMEMBER_UNDATED) + apr_time_from_sec(1);
}

static void tell_how_full(void)
{
    whk_metrics_set(WHK_REPLAY_ENTRIES, 0, whk_replay_table_live(memory));
}

int whk_replay_cache_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    memory = NULL;
    mutex = NULL;
    shared = NULL;
    return ap_mutex_register(pconf, WHK_REPLAY_MUTEX_NAME, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t make_memory(retained_t *retained, apr_uint32_t entries, apr_pool_t *process)
{
    apr_shm_t *shm;
    apr_status_t status = apr_shm_create(&shm, whk_replay_table_size(entries), NULL, process);

    if (status != APR_SUCCESS)
        return status;
    retained->memory = whk_replay_table_init(apr_shm_baseaddr_get(shm), entries);
    return retained->memory ? APR_SUCCESS : APR_EGENERAL;
}

static apr_status_t retain(server_rec *s, apr_uint32_t entries)
{
    retained_t *retained = ap_retained_data_get(RETAINED_KEY);
    apr_pool_t *process = s->process->pool;
    apr_status_t status = APR_SUCCESS;

    if (!retained)
        retained = ap_retained_data_create(RETAINED_KEY, sizeof(*retained));
    if (!retained->mutex)
        status = ap_global_mutex_create(&retained->mutex, NULL, WHK_REPLAY_MUTEX_NAME, NULL, s,
                                        process, 0);
    if (status == APR_SUCCESS && !retained->memory)
        status = make_memory(retained, entries, process);
    memory = retained->memory;
    mutex = retained->mutex;
    if (memory) {
        whk_metrics_set(WHK_REPLAY_CAPACITY, 0, whk_replay_table_entries(memory));
        tell_how_full();
    }
    if (memory && whk_replay_table_entries(memory) != entries)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     WHK_LOGNO(0046) "WebhookKeysReplayEntries is %u now, and takes effect when "
                                     "httpd is started anew: until then what was received stays in "
                                     "the memory of %u entries",
                     entries, whk_replay_table_entries(memory));
    return status;
}

static apr_status_t destroy(void *server)
{
    shared->provider->destroy(shared->instance, server);
    return APR_SUCCESS;
}

static apr_status_t init_shared(server_rec *s, const whk_replay_provider_t *cache,
                                apr_pool_t *pconf)
{
    static const struct ap_socache_hints hints = {WHK_REPLAY_NAME_SIZE, 1, 60 * APR_USEC_PER_SEC};
    apr_status_t status;

    if (!cache->instance)
        return APR_SUCCESS;
    status = cache->provider->init(cache->instance, "webhook-replay", &hints, s, pconf);
    if (status != APR_SUCCESS)
        return status;
    shared = cache;
    apr_pool_cleanup_register(pconf, s, destroy, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

int whk_replay_cache_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s)
{
    const whk_config_t *config = whk_config_of_server(s);
    apr_status_t status;

    (void)plog;
    (void)ptemp;
    whk_server_longest_times(s, &longest_max_age, &longest_clock_skew);
    if (!config->replay_cache || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    status = retain(s, (apr_uint32_t)config->replay_entries);
    if (status == APR_SUCCESS)
        status = init_shared(s, config->replay_cache, pconf);
    if (status == APR_SUCCESS)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                 WHK_LOGNO(0047) "WebhookKeysReplayCache can't be set up: see whether shared "
                                 "memory is left for WebhookKeysReplayEntries");
    return HTTP_INTERNAL_SERVER_ERROR;
}

void whk_replay_cache_child_init(apr_pool_t *pool, server_rec *s)
{
    if (mutex)
        whk_child_mutex_init(&mutex, WHK_REPLAY_MUTEX_NAME,
                             "lets no webhook pass where WebhookKeysReplayCache is on", pool, s);
}

static whk_replay_clock_t read_clock(void)
{
    struct timespec steady = {0, 0};
    whk_replay_clock_t clock = {apr_time_now(), 0};

    clock_gettime(CLOCK_MONOTONIC, &steady);
    clock.steady = apr_time_make(steady.tv_sec, steady.tv_nsec / 1000);
    return clock;
}

static apr_status_t reserve_here(const whk_replay_name_t *owner, const whk_replay_use_t *use,
                                 whk_replay_result_t *result)
{
    apr_status_t status = memory && mutex ? apr_global_mutex_lock(mutex) : APR_ENOLOCK;
    whk_replay_clock_t clock;

    if (status != APR_SUCCESS)
        return status;
    /* Read inside: who waited for long must not use a time that is gone. */
    clock = read_clock();
    *result = whk_replay_table_reserve(memory, owner, use->names, use->count, use->until, &clock);
    tell_how_full();
    apr_global_mutex_unlock(mutex);
    return APR_SUCCESS;
}

static void release_here(const whk_replay_use_t *use)
{
    if (!memory || !mutex || apr_global_mutex_lock(mutex) != APR_SUCCESS)
        return;
    whk_replay_table_give_back(memory, use->names, use->count, use->until);
    tell_how_full();
    apr_global_mutex_unlock(mutex);
}

static void release_shared(request_rec *r, const whk_replay_use_t *use, int count)
{
    int i;

    for (i = 0; shared && i < count; i++)
        shared->provider->remove(shared->instance, r->server, use->names[i].bytes,
                                 WHK_REPLAY_NAME_SIZE, r->pool);
}

static apr_status_t ask_shared(request_rec *r, const whk_replay_name_t *name, int *known)
{
    unsigned char value[1];
    unsigned int length = sizeof(value);
    apr_status_t status = shared->provider->retrieve(shared->instance, r->server, name->bytes,
                                                     WHK_REPLAY_NAME_SIZE, value, &length, r->pool);

    *known = status == APR_SUCCESS;
    return status == APR_NOTFOUND ? APR_SUCCESS : status;
}

/* What other nodes were sent. Asking and writing are two steps, between which another node may take
 * the same. */
static apr_status_t reserve_shared(request_rec *r, const whk_replay_use_t *use, int *known)
{
    unsigned char value[1] = {1};
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; shared && i < use->count && status == APR_SUCCESS && !*known; i++)
        status = ask_shared(r, &use->names[i], known);
    for (i = 0; shared && i < use->count && status == APR_SUCCESS && !*known; i++)
        status = shared->provider->store(shared->instance, r->server, use->names[i].bytes,
                                         WHK_REPLAY_NAME_SIZE, use->until, value, sizeof(value),
                                         r->pool);
    if (status != APR_SUCCESS)
        release_shared(r, use, i);
    return status;
}

static int make_names(request_rec *r, const char *enterprise_id,
                      const apr_array_header_t *replay_ids, whk_replay_name_t *owner,
                      whk_replay_use_t *use)
{
    int i;

    if (replay_ids->nelts < 1 || replay_ids->nelts > WHK_REPLAY_IDS_MOST ||
        !whk_replay_name(owner, enterprise_id, NULL, r->pool))
        return 0;
    for (i = 0; i < replay_ids->nelts; i++)
        if (!whk_replay_name(&use->names[i], enterprise_id,
                             APR_ARRAY_IDX(replay_ids, i, const char *), r->pool))
            return 0;
    use->count = replay_ids->nelts;
    return 1;
}

const whk_outcome_t *whk_replay_cache_reserve(request_rec *r, const char *enterprise_id,
                                              const apr_array_header_t *replay_ids,
                                              apr_time_t until, whk_replay_use_t *use)
{
    whk_replay_result_t result = WHK_REPLAY_RESERVED;
    whk_replay_name_t owner;
    apr_status_t status;
    int known = 0;

    if (!make_names(r, enterprise_id, replay_ids, &owner, use))
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0048) "a webhook's use can't be named: it has no id, too many, "
                                        "or OpenSSL can't compute SHA-256");
    use->until = until;
    status = reserve_here(&owner, use, &result);
    if (status != APR_SUCCESS)
        return whk_fail(r->pool, WHK_TOO_BUSY,
                        WHK_LOGNO(0049) "the mutex " WHK_REPLAY_MUTEX_NAME
                                        " can't be locked: see the Mutex directive");
    if (result == WHK_REPLAY_SHARE_FULL)
        return whk_fail(
            r->pool, WHK_TOO_BUSY,
            WHK_LOGNO(0050) "the enterprise %s has its share of WebhookKeysReplayEntries full of "
                            "webhooks whose signatures are still good: set more, if it sends so "
                            "many by right",
            enterprise_id);
    if (result == WHK_REPLAY_RESERVED) {
        status = reserve_shared(r, use, &known);
        if (status != APR_SUCCESS || known)
            release_here(use);
    }
    if (status != APR_SUCCESS)
        return whk_fail(r->pool, WHK_TOO_BUSY,
                        WHK_LOGNO(0051) "the provider of WebhookKeysReplayCache could not be asked "
                                        "or written: see what its module logged");
    if (result == WHK_REPLAY_KNOWN || known)
        return whk_refuse(r->pool, WHK_REPLAYED, "%s", whk_code_message(WHK_REPLAYED));
    use->reserved = 1;
    return NULL;
}

void whk_replay_cache_release(request_rec *r, whk_replay_use_t *use)
{
    if (!use->reserved)
        return;
    /* Here last: as long as it is known here, nobody on this node has it anew over there. */
    release_shared(r, use, use->count);
    release_here(use);
    use->reserved = 0;
}
