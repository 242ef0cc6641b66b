/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_deadline.h"

#include <string.h>

#include <apr_buckets.h>
#include <apr_support.h>
#include <http_core.h>
#include <util_filter.h>

#include "model/clock.h"

static ap_filter_rec_t *read_filter;
static ap_filter_rec_t *write_filter;

static _Thread_local apr_time_t thread_deadline;

/* The connection's own timeout, or less. @return what it was before, to be set again */
static apr_interval_time_t limit(apr_socket_t *socket, apr_interval_time_t left)
{
    apr_interval_time_t own = -1;

    apr_socket_timeout_get(socket, &own);
    /* Polls wait for whole milliseconds: not to be back before the time. */
    if (own < 0 || own > left)
        apr_socket_timeout_set(socket, left + apr_time_from_msec(1));
    return own;
}

static int has_line(const apr_bucket_brigade *brigade)
{
    apr_bucket *bucket;
    const char *data;
    apr_size_t size;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket))
        if (apr_bucket_read(bucket, &data, &size, APR_NONBLOCK_READ) == APR_SUCCESS &&
            memchr(data, '\n', size))
            return 1;
    return 0;
}

/* What has come, without taking it. @param length -1: a line is whole, or no more comes */
static apr_status_t look(ap_filter_t *filter, apr_bucket_brigade *seen, apr_off_t *length)
{
    apr_off_t before = *length;
    apr_status_t status =
        ap_get_brigade(filter->next, seen, AP_MODE_SPECULATIVE, APR_BLOCK_READ, HUGE_STRING_LEN);

    if (status == APR_SUCCESS)
        status = apr_brigade_length(seen, 1, length);
    if (status == APR_SUCCESS &&
        (has_line(seen) || *length == before || *length >= HUGE_STRING_LEN))
        *length = -1;
    apr_brigade_cleanup(seen);
    return status;
}

/* httpd reads a line whole, each byte of it with the socket's timeout anew. So it gets it when it
 * is there. */
static apr_status_t await_line(ap_filter_t *filter, apr_socket_t *socket,
                               apr_bucket_brigade *brigade)
{
    apr_bucket_brigade *seen = apr_brigade_create(brigade->p, filter->c->bucket_alloc);
    apr_status_t status = APR_SUCCESS;
    apr_off_t length = 0;

    while (status == APR_SUCCESS && length >= 0) {
        apr_interval_time_t left = thread_deadline - whk_clock_now();
        apr_interval_time_t own = limit(socket, left > 0 ? left : 0);

        status = left > 0 ? look(filter, seen, &length) : APR_TIMEUP;
        if (status == APR_SUCCESS && length >= 0)
            status = apr_wait_for_io_or_timeout(NULL, socket, 1);
        apr_socket_timeout_set(socket, own);
    }
    apr_brigade_destroy(seen);
    return APR_STATUS_IS_EOF(status) ? APR_SUCCESS : status;
}

static apr_status_t read_in_time(ap_filter_t *filter, apr_bucket_brigade *brigade,
                                 ap_input_mode_t mode, apr_read_type_e block, apr_off_t most)
{
    apr_socket_t *socket = thread_deadline ? ap_get_conn_socket(filter->c) : NULL;
    apr_interval_time_t left = thread_deadline - whk_clock_now();
    apr_interval_time_t own;
    apr_status_t status = APR_SUCCESS;

    if (!socket)
        return ap_get_brigade(filter->next, brigade, mode, block, most);
    if (left <= 0)
        return APR_TIMEUP;
    if (mode == AP_MODE_GETLINE && block == APR_BLOCK_READ)
        status = await_line(filter, socket, brigade);
    if (status != APR_SUCCESS)
        return status;
    own = limit(socket, left);
    status = ap_get_brigade(filter->next, brigade, mode, block, most);
    apr_socket_timeout_set(socket, own);
    return status;
}

/* Who does not take the request delays his answer too. */
static apr_status_t write_in_time(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    apr_socket_t *socket = thread_deadline ? ap_get_conn_socket(filter->c) : NULL;
    apr_interval_time_t left = thread_deadline - whk_clock_now();
    apr_interval_time_t own;
    apr_status_t status;

    if (!socket)
        return ap_pass_brigade(filter->next, brigade);
    if (left <= 0) {
        filter->c->aborted = 1;
        apr_brigade_cleanup(brigade);
        return APR_TIMEUP;
    }
    own = limit(socket, left);
    status = ap_pass_brigade(filter->next, brigade);
    apr_socket_timeout_set(socket, own);
    return status;
}

int whk_response_deadline_pre_connection(conn_rec *c, void *socket)
{
    (void)socket;
    if (c->outgoing) {
        ap_add_input_filter_handle(read_filter, NULL, NULL, c);
        ap_add_output_filter_handle(write_filter, NULL, NULL, c);
    }
    return OK;
}

void whk_response_deadline_register_filter(void)
{
    read_filter =
        ap_register_input_filter("WEBHOOK_KEYS_DEADLINE", read_in_time, NULL, AP_FTYPE_NETWORK - 1);
    write_filter = ap_register_output_filter("WEBHOOK_KEYS_DEADLINE", write_in_time, NULL,
                                             AP_FTYPE_NETWORK - 1);
}

void whk_response_deadline_set(apr_time_t deadline)
{
    thread_deadline = deadline;
}
