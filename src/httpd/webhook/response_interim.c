/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_interim.h"

#include <string.h>

#include <http_log.h>
#include <util_filter.h>

#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

static ap_filter_rec_t *interim_filter;

/* Of a connection, which has one filter for all of its requests. */
typedef struct {
    int is_stopped;
    int was_told;
} interim_t;

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define INTERIM "HTTP/1.1 1"

static int is_continue(const char *first, apr_size_t length)
{
    return length == strlen(CONTINUE) && !memcmp(first, CONTINUE, length);
}

/* A program that speaks HTTP itself, or a tunnel, passes by the filters of the answer. */
static void tell_of_bypass(conn_rec *c, interim_t *interim, const char *first, apr_size_t length)
{
    if (!length || interim->was_told ||
        (length >= strlen(INTERIM) && !memcmp(first, INTERIM, strlen(INTERIM))))
        return;
    interim->was_told = 1;
    ap_log_cerror(APLOG_MARK, APLOG_ERR, 0, c,
                  WHK_LOGNO(0459) "an answer that nothing could verify was not passed on: where "
                                  "WebhookKeysResponse is, no CGI program may have a name with "
                                  "nph-, and no tunnel can be");
}

static apr_status_t drop_interim(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    interim_t *interim = filter->ctx;
    apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);
    char first[sizeof(CONTINUE)];
    apr_size_t length = sizeof(first);

    if (!interim->is_stopped)
        return ap_pass_brigade(filter->next, brigade);
    if (apr_brigade_flatten(brigade, first, &length) != APR_SUCCESS)
        length = 0;
    if (is_continue(first, length))
        return ap_pass_brigade(filter->next, brigade);
    tell_of_bypass(filter->c, interim, first, length);
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
