/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_interim.h"

#include <string.h>

#include <util_filter.h>

static ap_filter_rec_t *interim_filter;

/* Of a connection, which has one filter for all of its requests. */
typedef struct {
    int is_stopped;
} interim_t;

static int is_continue(apr_bucket_brigade *brigade)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char first[sizeof(text)];
    apr_size_t length = sizeof(first);

    return apr_brigade_flatten(brigade, first, &length) == APR_SUCCESS &&
           length == sizeof(text) - 1 && !memcmp(first, text, length);
}

static apr_status_t drop_interim(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    const interim_t *interim = filter->ctx;
    apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);

    if (!interim->is_stopped || is_continue(brigade))
        return ap_pass_brigade(filter->next, brigade);
    while (bucket != APR_BRIGADE_SENTINEL(brigade)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);

        if (!APR_BUCKET_IS_METADATA(bucket))
            apr_bucket_delete(bucket);
        bucket = next;
    }
    return ap_pass_brigade(filter->next, brigade);
}

void whk_response_interim_register_filter(void)
{
    interim_filter =
        ap_register_output_filter("WEBHOOK_KEYS_INTERIM", drop_interim, NULL, AP_FTYPE_CONNECTION);
}

static interim_t *find(const conn_rec *c)
{
    const ap_filter_t *filter = c->output_filters;

    while (filter && filter->frec != interim_filter)
        filter = filter->next;
    return filter ? filter->ctx : NULL;
}

void whk_response_interim_stop(request_rec *r)
{
    interim_t *interim = find(r->connection);

    if (!interim) {
        interim = apr_pcalloc(r->connection->pool, sizeof(*interim));
        ap_add_output_filter_handle(interim_filter, interim, r, r->connection);
    }
    interim->is_stopped = 1;
}

void whk_response_interim_go_on(const conn_rec *c)
{
    interim_t *interim = find(c);

    if (interim)
        interim->is_stopped = 0;
}
