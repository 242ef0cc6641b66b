/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/child_mutex.h"

#include <http_log.h>

#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

void whk_child_mutex_init(apr_global_mutex_t **mutex, const char *name, const char *consequence,
                          apr_pool_t *pool, server_rec *s)
{
    apr_status_t status =
        apr_global_mutex_child_init(mutex, apr_global_mutex_lockfile(*mutex), pool);

    if (status == APR_SUCCESS)
        return;
    ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                 WHK_LOGNO(0016) "the mutex %s can't be used in this child, so it %s: see the "
                                 "Mutex directive",
                 name, consequence);
    *mutex = NULL;
}
