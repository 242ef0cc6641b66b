#include "httpd/replay_cache.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <openssl/evp.h>
#include <util_mutex.h>

#include "httpd/child_mutex.h"
#include "httpd/config.h"

APLOG_USE_MODULE(webhook_keys);

#define ID_SIZE 32

static const ap_socache_provider_t *provider;
static ap_socache_instance_t *instance;
static apr_global_mutex_t *mutex;

const char *whk_replay_cache_configure(cmd_parms *cmd, const char *argument)
{
    const char *colon = ap_strchr_c(argument, ':');
    const char *name =
        colon ? apr_pstrmemdup(cmd->temp_pool, argument, (apr_size_t)(colon - argument)) : argument;
    const char *flaw;

    provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
    if (!provider)
        return apr_psprintf(cmd->temp_pool,
                            "must be a socache provider whose module is loaded before this line "
                            "(a2enmod socache_%s)",
                            name);
    flaw = provider->create(&instance, colon ? colon + 1 : NULL, cmd->temp_pool, cmd->pool);
    return flaw ? apr_psprintf(cmd->temp_pool, "must be one that %s takes: %s", name, flaw) : NULL;
}

int whk_replay_cache_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    provider = NULL;
    instance = NULL;
    mutex = NULL;
    return ap_mutex_register(pconf, WHK_REPLAY_MUTEX_NAME, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t destroy(void *server)
{
    provider->destroy(instance, server);
    return APR_SUCCESS;
}

int whk_replay_cache_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s)
{
    static const struct ap_socache_hints hints = {ID_SIZE, 1, 60 * APR_USEC_PER_SEC};
    apr_status_t status;

    (void)plog;
    (void)ptemp;
    if (!whk_config_of_server(s)->replay_cache ||
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    status = ap_global_mutex_create(&mutex, NULL, WHK_REPLAY_MUTEX_NAME, NULL, s, pconf, 0);
    if (status == APR_SUCCESS)
        status = provider->init(instance, "webhook-replay", &hints, s, pconf);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, s, "WebhookKeysReplayCache can't be set up");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_pool_cleanup_register(pconf, s, destroy, apr_pool_cleanup_null);
    return OK;
}

void whk_replay_cache_child_init(apr_pool_t *pool, server_rec *s)
{
    if (mutex)
        whk_child_mutex_init(&mutex, WHK_REPLAY_MUTEX_NAME,
                             "lets no webhook pass where WebhookKeysReplayCache is on", pool, s);
}

static int make_id(request_rec *r, const char *enterprise_id, const char *key_id,
                   const char *replay_id, unsigned char id[ID_SIZE])
{
    const char *text =
        apr_psprintf(r->pool, "%" APR_SIZE_T_FMT ":%s%" APR_SIZE_T_FMT ":%s%s",
                     strlen(enterprise_id), enterprise_id, strlen(key_id), key_id, replay_id);

    return EVP_Digest(text, strlen(text), id, NULL, EVP_sha256(), NULL) == 1;
}

/* Under the mutex. */
static apr_status_t note(request_rec *r, const unsigned char *id, apr_time_t until, int *known)
{
    unsigned char value[1] = {1};
    unsigned int length = sizeof(value);
    apr_status_t status =
        provider->retrieve(instance, r->server, id, ID_SIZE, value, &length, r->pool);

    *known = status == APR_SUCCESS;
    if (*known)
        return APR_SUCCESS;
    if (status != APR_NOTFOUND)
        return status;
    value[0] = 1;
    return provider->store(instance, r->server, id, ID_SIZE, until, value, sizeof(value), r->pool);
}

const whk_outcome_t *whk_replay_cache_reserve(request_rec *r, const char *enterprise_id,
                                              const char *key_id, const char *replay_id,
                                              apr_time_t until, whk_replay_use_t *use)
{
    apr_status_t status;
    int known = 0;

    if (!make_id(r, enterprise_id, key_id, replay_id, use->id))
        return whk_fail(r->pool, WHK_INTERNAL_ERROR, "OpenSSL can't compute SHA-256");
    status = mutex ? apr_global_mutex_lock(mutex) : APR_ENOLOCK;
    if (status == APR_SUCCESS) {
        status = note(r, use->id, until, &known);
        apr_global_mutex_unlock(mutex);
    }
    if (status != APR_SUCCESS)
        return whk_fail(r->pool, WHK_TOO_BUSY,
                        "WebhookKeysReplayCache could not be asked or written: make it larger, or "
                        "see what its module logged");
    if (known)
        return whk_refuse(r->pool, WHK_REPLAYED, "%s", whk_code_message(WHK_REPLAYED));
    use->reserved = 1;
    return NULL;
}

void whk_replay_cache_give_back(request_rec *r, whk_replay_use_t *use)
{
    if (!use->reserved || !mutex || apr_global_mutex_lock(mutex) != APR_SUCCESS)
        return;
    provider->remove(instance, r->server, use->id, ID_SIZE, r->pool);
    apr_global_mutex_unlock(mutex);
    use->reserved = 0;
}
