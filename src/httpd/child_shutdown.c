/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/child_shutdown.h"

#include <unistd.h>

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <http_log.h>

#include "model/clock.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

/* Longer than a fetch takes to break off, and sooner than httpd kills a child that does not end. */
#define WAIT_MOST apr_time_from_sec(6)

#define WAIT_STEP apr_time_from_msec(2)

/* No locks: with the prefork MPM a child ends inside a signal handler. */
static volatile apr_uint32_t stop = 1; /* until this process has all that tasks use */
static volatile apr_uint32_t stop_requests;
static volatile apr_uint32_t running;
static volatile apr_uint32_t requests;

const volatile apr_uint32_t *whk_shutdown_tasks_stopped(void)
{
    return &stop;
}

const volatile apr_uint32_t *whk_shutdown_requests_stopped(void)
{
    return &stop_requests;
}

int whk_shutdown_task_begin(void)
{
    apr_atomic_inc32(&running);
    if (!apr_atomic_read32(&stop))
        return 1;
    whk_shutdown_task_end();
    return 0;
}

void whk_shutdown_task_end(void)
{
    apr_atomic_dec32(&running);
}

static apr_status_t end_request(void *unused)
{
    (void)unused;
    apr_atomic_dec32(&requests);
    return APR_SUCCESS;
}

int whk_shutdown_post_read_request(request_rec *r)
{
    apr_atomic_inc32(&requests);
    apr_pool_cleanup_register(r->pool, NULL, end_request, apr_pool_cleanup_null);
    return DECLINED;
}

static int is_threaded(void)
{
    int threaded = AP_MPMQ_NOT_SUPPORTED;

    ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
    return threaded != AP_MPMQ_NOT_SUPPORTED;
}

/* Before anything of this child goes. Where a task does not end, the memory that it uses must not
 * go either: then the process does, at once. */
static apr_status_t wait_for_tasks(void *data)
{
    apr_time_t end = whk_clock_now() + WAIT_MOST;

    apr_atomic_set32(&stop, 1);
    if (apr_atomic_read32(&requests) && !is_threaded())
        _exit(0);
    while (apr_atomic_read32(&running) && whk_clock_now() < end)
        apr_sleep(WAIT_STEP);
    if (!apr_atomic_read32(&running))
        return APR_SUCCESS;
    ap_log_error(
        APLOG_MARK, APLOG_WARNING, 0, (server_rec *)data,
        WHK_LOGNO(0017) "a background task does not end within %d s: this process ends without it",
        (int)apr_time_sec(WAIT_MOST));
    _exit(0);
}

void whk_shutdown_child_init(apr_pool_t *pool, server_rec *s)
{
    stop = stop_requests = 0;
    apr_pool_pre_cleanup_register(pool, s, wait_for_tasks);
}

void whk_shutdown_child_stopping(apr_pool_t *pool, int graceful)
{
    (void)pool;
    apr_atomic_set32(&stop, 1);
    if (!graceful)
        apr_atomic_set32(&stop_requests, 1);
}
