/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/metrics_shm.h"

#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/config.h"
#include "metrics/block.h"
#include "metrics/enterprise_counts.h"
#include "metrics/metrics.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

#define FILE_NAME "webhook_keys.metrics"

/* In httpd's own keeping, as counters_shm.c. */
#define RETAINED_KEY "mod_webhook_keys metrics"

typedef struct {
    whk_metrics_t *metrics;
    int layout; /* one of another version of this module is of no use */
} retained_t;

const char *whk_metrics_shm_file(apr_pool_t *pool)
{
    return ap_runtime_dir_relative(pool, FILE_NAME);
}

static apr_status_t retain(retained_t **retained, server_rec *s, apr_pool_t *ptemp)
{
    apr_status_t status = APR_SUCCESS;

    *retained = ap_retained_data_get(RETAINED_KEY);
    if (!*retained)
        *retained = ap_retained_data_create(RETAINED_KEY, sizeof(**retained));
    if (!(*retained)->metrics || (*retained)->layout != WHK_METRICS_LAYOUT ||
        !whk_metrics_is_of_this_version((*retained)->metrics))
        status = whk_metrics_create(&(*retained)->metrics, whk_metrics_shm_file(ptemp),
                                    s->process->pool);
    (*retained)->layout = status == APR_SUCCESS ? WHK_METRICS_LAYOUT : 0;
    return status;
}

int whk_metrics_shm_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    retained_t *retained;
    apr_status_t status;

    (void)pconf;
    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    status = retain(&retained, s, ptemp);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, status, s,
                     WHK_LOGNO(0900) "%s can't be made, so nothing is counted: see the "
                                     "DefaultRuntimeDir directive, and who may write there",
                     whk_metrics_shm_file(ptemp));
        return OK;
    }
    whk_metrics_use(retained->metrics);
    /* Until somebody finds it away. */
    whk_metrics_set(WHK_STORE_UP, 0, 1);
    whk_enterprise_counts_limit(retained->metrics, whk_config_of_server(s)->metrics_enterprises);
    return OK;
}

static apr_status_t leave(void *unused)
{
    (void)unused;
    whk_metrics_leave();
    return APR_SUCCESS;
}

void whk_metrics_shm_child_init(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    apr_pool_cleanup_register(pool, NULL, leave, apr_pool_cleanup_null);
}
