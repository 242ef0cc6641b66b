/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/body.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "httpd/body_buffer.h"
#include "model/clock.h"
#include "model/log_number.h"

/* What is worth reading away to keep a connection. */
#define DISCARD_MOST 65536

/* How long that may take: pauses that double, a quarter of a second in all. */
#define DISCARD_PAUSE_FIRST apr_time_from_msec(1)
#define DISCARD_PAUSE_LAST apr_time_from_msec(128)

/* Whatever mod_reqtimeout says, which has no say over HTTP/2: so long a body may take, and a second
 * for each so many bytes. */
#define BODY_TIME apr_time_from_sec(60)
#define BYTES_A_SECOND 500

static const whk_outcome_t *check_media_type(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t length = type ? strcspn(type, "; \t") : 0;

    if (length == strlen("application/json") &&
        !ap_cstr_casecmpn(type, "application/json", length) &&
        (type[length + strspn(type + length, " \t")] == ';' ||
         type[length + strspn(type + length, " \t")] == '\0'))
        return NULL;
    return whk_refuse(r->pool, WHK_UNSUPPORTED_MEDIA_TYPE,
                      "send the body as Content-Type: application/json");
}

const whk_outcome_t *whk_body_too_large(request_rec *r, apr_int64_t limit)
{
    /* What is left unread can't be told from a next request. */
    r->connection->keepalive = AP_CONN_CLOSE;
    return whk_refuse(r->pool, WHK_BODY_TOO_LARGE,
                      "the body may have at most %" APR_INT64_T_FMT " bytes", limit);
}

int whk_body_announces_more(const request_rec *r, apr_int64_t limit)
{
    const char *announced = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length;

    return announced &&
           (apr_strtoff(&length, announced, NULL, 10) != APR_SUCCESS || length > limit);
}

static const whk_outcome_t *read_error(request_rec *r, apr_status_t status, apr_int64_t limit)
{
    if (status == APR_ENOMEM)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0400) "out of memory for a body");
    if (ap_map_http_request_error(status, HTTP_BAD_REQUEST) == HTTP_REQUEST_ENTITY_TOO_LARGE)
        return whk_body_too_large(r, limit);
    r->connection->keepalive = AP_CONN_CLOSE;
    return whk_refuse(
        r->pool, WHK_INVALID_REQUEST,
        "the body did not arrive whole: its framing is broken, or it stopped, or came "
        "too slowly");
}

/* What was announced is made room for at once: at most `limit`, as it was checked. */
static apr_status_t begin(whk_body_buffer_t **begun, request_rec *r, apr_int64_t limit)
{
    const char *announced = apr_table_get(r->headers_in, "Content-Length");

    return whk_body_buffer_create(begun, (apr_size_t)limit,
                                  announced ? (apr_size_t)apr_atoi64(announced) : HUGE_STRING_LEN,
                                  r->pool);
}

/* Move a brigade's bytes to the end of the body; at_end is set with the last of them. */
static apr_status_t append_brigade(whk_body_buffer_t *body, apr_bucket_brigade *brigade,
                                   int *at_end)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t size;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *at_end = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(bucket))
            continue;
        status = apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ);
        if (status == APR_SUCCESS)
            status = whk_body_buffer_append(body, data, size);
        if (status != APR_SUCCESS)
            return status;
    }
    return APR_SUCCESS;
}

static int is_too_slow(const whk_body_buffer_t *body, apr_time_t began)
{
    return whk_clock_now() - began >
           BODY_TIME + apr_time_from_sec((apr_int64_t)(body->length / BYTES_A_SECOND));
}

const whk_outcome_t *whk_body_read(request_rec *r, ap_filter_t *from, apr_int64_t limit,
                                   char **bytes, apr_size_t *length)
{
    apr_time_t began = whk_clock_now();
    apr_bucket_brigade *brigade;
    whk_body_buffer_t *body;
    apr_status_t status;
    int at_end = 0;

    if (whk_body_announces_more(r, limit))
        return whk_body_too_large(r, limit);
    status = begin(&body, r, limit);
    brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    while (status == APR_SUCCESS && !at_end) {
        status = ap_get_brigade(from, brigade, AP_MODE_READBYTES, APR_BLOCK_READ, HUGE_STRING_LEN);
        if (status == APR_SUCCESS)
            status = append_brigade(body, brigade, &at_end);
        if (status == APR_SUCCESS && !at_end && is_too_slow(body, began))
            status = APR_TIMEUP;
        apr_brigade_cleanup(brigade);
    }
    if (status != APR_SUCCESS)
        return read_error(r, status, limit);
    body->bytes[body->length] = '\0';
    *bytes = body->bytes;
    *length = body->length;
    return NULL;
}

const whk_outcome_t *whk_body_read_json(request_rec *r, apr_int64_t limit, const char **body,
                                        apr_size_t *length)
{
    char *bytes;

    WHK_TRY(check_media_type(r));
    WHK_TRY(whk_body_read(r, r->input_filters, limit, &bytes, length));
    /* An input filter such as mod_deflate's takes the header away when it has decoded the body. */
    if (apr_table_get(r->headers_in, "Content-Encoding"))
        return whk_refuse(r->pool, WHK_UNSUPPORTED_MEDIA_TYPE,
                          "send the body as it is, without Content-Encoding");
    *body = bytes;
    return NULL;
}

/* Read away what has come. APR_EOF: that was all; APR_EAGAIN: more is to come. */
static apr_status_t read_away(request_rec *r, apr_bucket_brigade *brigade)
{
    apr_status_t status = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                                         APR_NONBLOCK_READ, HUGE_STRING_LEN);
    apr_bucket *last = APR_BRIGADE_LAST(brigade);

    if (status == APR_SUCCESS && APR_BRIGADE_EMPTY(brigade))
        status = APR_EAGAIN;
    else if (status == APR_SUCCESS && APR_BUCKET_IS_EOS(last))
        status = APR_EOF;
    apr_brigade_cleanup(brigade);
    return status;
}

/* True where the whole body was read away. The answer does not wait long for a body that it does
 * not depend on, nor does the worker. */
static int arrived_soon(request_rec *r)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_interval_time_t pause = DISCARD_PAUSE_FIRST;
    apr_status_t status;

    while ((status = read_away(r, brigade)) == APR_SUCCESS ||
           (APR_STATUS_IS_EAGAIN(status) && pause <= DISCARD_PAUSE_LAST)) {
        if (status == APR_SUCCESS)
            continue;
        apr_sleep(pause);
        pause *= 2;
    }
    apr_brigade_destroy(brigade);
    return status == APR_EOF;
}

void whk_body_discard(request_rec *r)
{
    const char *announced = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length = 0;

    if (!ap_request_has_body(r) || r->connection->keepalive == AP_CONN_CLOSE)
        return;
    if (!r->expecting_100 && announced &&
        apr_strtoff(&length, announced, NULL, 10) == APR_SUCCESS && length <= DISCARD_MOST &&
        arrived_soon(r))
        return;
    r->connection->keepalive = AP_CONN_CLOSE;
}
