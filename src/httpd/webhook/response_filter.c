/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_filter.h"

#include <stdlib.h>

#include <apr_strings.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "httpd/body_buffer.h"
#include "httpd/webhook/backend_headers.h"
#include "httpd/webhook/response_deadline.h"
#include "httpd/webhook/response_interim.h"
#include "httpd/webhook/response_verification.h"
#include "httpd/webhook/webhook_errors.h"
#include "model/clock.h"
#include "model/log_number.h"

static ap_filter_rec_t *hold_filter;
static ap_filter_rec_t *sink_filter;

typedef struct {
    const whk_response_t *response;
    whk_body_buffer_t *body; /* NULL: nothing has come yet */
} held_t;

/* ---- what comes ---- */

static const whk_outcome_t *too_large(const request_rec *r, const held_t *held)
{
    return whk_refuse(r->pool, WHK_BODY_TOO_LARGE,
                      "the answer has more than the %" APR_INT64_T_FMT
                      " bytes of WebhookKeysMaxWebhookBody",
                      held->response->rules.max_webhook_body);
}

static const whk_outcome_t *begin(request_rec *r, held_t *held)
{
    apr_int64_t limit = held->response->rules.max_webhook_body;
    const char *announced = apr_table_get(r->headers_out, "Content-Length");
    apr_off_t length = HUGE_STRING_LEN;

    if (announced &&
        (apr_strtoff(&length, announced, NULL, 10) != APR_SUCCESS || length < 0 || length > limit))
        return too_large(r, held);
    if (whk_body_buffer_create(&held->body, (apr_size_t)limit, (apr_size_t)length, r->pool) !=
        APR_SUCCESS)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0454) "out of memory for an answer");
    return NULL;
}

static const whk_outcome_t *check_time(request_rec *r, const held_t *held)
{
    if (whk_clock_now() < held->response->deadline)
        return NULL;
    return whk_refuse(r->pool, WHK_ANSWER_TIMEOUT,
                      "it was not whole within WebhookKeysResponseTimeout");
}

static const whk_outcome_t *incomplete(request_rec *r, const held_t *held)
{
    WHK_TRY(check_time(r, held));
    return whk_refuse(r->pool, WHK_ANSWER_INCOMPLETE, "it broke off");
}

static const whk_outcome_t *keep(request_rec *r, held_t *held, apr_bucket *bucket)
{
    const char *data;
    apr_size_t size;
    apr_status_t status;

    if (APR_BUCKET_IS_METADATA(bucket))
        return AP_BUCKET_IS_ERROR(bucket) || AP_BUCKET_IS_EOC(bucket) ? incomplete(r, held) : NULL;
    if (!held->body)
        WHK_TRY(begin(r, held));
    if (apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ) != APR_SUCCESS)
        return incomplete(r, held);
    WHK_TRY(check_time(r, held));
    status = whk_body_buffer_append(held->body, data, size);
    if (status == APR_ENOSPC)
        return too_large(r, held);
    return status == APR_SUCCESS ? NULL
                                 : whk_fail(r->pool, WHK_INTERNAL_ERROR,
                                            WHK_LOGNO(0455) "out of memory for an answer");
}

/* Bucket by bucket, so that what a file or a pipe holds is not in memory twice. */
static const whk_outcome_t *keep_all(ap_filter_t *filter, apr_bucket_brigade *brigade, int *at_end)
{
    const whk_outcome_t *outcome = NULL;

    while (!outcome && !*at_end && !APR_BRIGADE_EMPTY(brigade)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);

        *at_end = APR_BUCKET_IS_EOS(bucket);
        outcome = keep(filter->r, filter->ctx, bucket);
        apr_bucket_delete(bucket);
    }
    apr_brigade_cleanup(brigade);
    return outcome ? outcome : check_time(filter->r, filter->ctx);
}

/* ---- what goes on ---- */

static int has_content(const request_rec *r)
{
    return r->status != HTTP_NO_CONTENT && r->status != HTTP_NOT_MODIFIED;
}

static apr_status_t release(ap_filter_t *filter, apr_bucket_brigade *brigade,
                            const whk_webhook_t *signer)
{
    held_t *held = filter->ctx;
    request_rec *r = filter->r;
    apr_bucket_alloc_t *allocator = filter->c->bucket_alloc;
    apr_size_t length = held->body ? held->body->length : 0;

    whk_response_interim_go_on(r->connection);
    whk_answer_headers_set_signer(r, signer);
    /* Nobody signed them. */
    apr_table_clear(r->trailers_out);
    if (has_content(r))
        ap_set_content_length(r, (apr_off_t)length);
    if (length)
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_heap_create(whk_body_buffer_take(held->body),
                                                                length, free, allocator));
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(allocator));
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

/* The handler that is told so may go on all the same. */
static apr_status_t drop(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    (void)filter;
    apr_brigade_cleanup(brigade);
    return AP_FILTER_ERROR;
}

static apr_status_t refuse(ap_filter_t *filter, const whk_outcome_t *outcome)
{
    held_t *held = filter->ctx;
    request_rec *r = filter->r;
    int status;

    if (held->body)
        whk_body_buffer_clear(held->body);
    whk_response_interim_go_on(r->connection);
    whk_response_reset(r, held->response);
    status = whk_webhook_stop_answer(r, outcome);
    ap_remove_output_filter(filter);
    if (r->main)
        r->status = status;
    else
        ap_die(status, r);
    ap_add_output_filter_handle(sink_filter, NULL, r, r->connection);
    return AP_FILTER_ERROR;
}

static apr_status_t hold(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    const held_t *held = filter->ctx;
    whk_webhook_t signer = {0};
    int at_end = 0;
    const whk_outcome_t *outcome = keep_all(filter, brigade, &at_end);

    if (!outcome && !at_end)
        return APR_SUCCESS;
    whk_response_deadline_set(0);
    if (!outcome)
        outcome =
            whk_response_verify(filter->r, held->response, held->body ? held->body->bytes : "",
                                held->body ? held->body->length : 0, &signer);
    return outcome ? refuse(filter, outcome) : release(filter, brigade, &signer);
}

/* Below the type of all others, so that none that is added later comes in front of it. */
void whk_response_filter_register(void)
{
    hold_filter =
        ap_register_output_filter("WEBHOOK_KEYS_RESPONSE", hold, NULL, AP_FTYPE_RESOURCE - 9);
    sink_filter =
        ap_register_output_filter("WEBHOOK_KEYS_NOTHING", drop, NULL, AP_FTYPE_RESOURCE - 9);
}

const whk_outcome_t *whk_response_filter_insert(request_rec *r, const whk_response_t *response)
{
    held_t *held = apr_pcalloc(r->pool, sizeof(*held));
    const ap_filter_t *filter;

    held->response = response;
    filter = ap_add_output_filter_handle(hold_filter, held, r, r->connection);
    if (r->output_filters == filter)
        return NULL;
    return whk_fail(
        r->pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0456) "the output filter %s stands in front of the one that verifies answers at "
                        "%s: keep it away from there, or give it a usual type",
        r->output_filters->frec->name, r->uri);
}
