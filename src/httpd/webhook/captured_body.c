/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/captured_body.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "httpd/body.h"
#include "httpd/server_state.h"
#include "model/log_number.h"

static ap_filter_rec_t *capture_filter;
static ap_filter_rec_t *handler_filter;

static apr_status_t serve_captured(whk_captured_body_t *body, ap_filter_t *filter,
                                   apr_bucket_brigade *brigade, ap_input_mode_t mode,
                                   apr_off_t most)
{
    apr_size_t left = body->length - body->consumed;
    apr_bucket_alloc_t *allocator = filter->c->bucket_alloc;

    if (mode == AP_MODE_INIT)
        return APR_SUCCESS;
    if (mode != AP_MODE_READBYTES && mode != AP_MODE_SPECULATIVE && mode != AP_MODE_EXHAUSTIVE)
        return APR_ENOTIMPL;
    if (mode != AP_MODE_EXHAUSTIVE && most >= 0 && (apr_uint64_t)most < left)
        left = (apr_size_t)most;
    /* Memory of the request's pool, whose buckets are copied should they outlive it. */
    if (left)
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_pool_create(body->bytes + body->consumed, left,
                                                                filter->r->pool, allocator));
    if (body->consumed + left == body->length)
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(allocator));
    if (mode != AP_MODE_SPECULATIVE)
        body->consumed += left;
    return APR_SUCCESS;
}

static int holds_bytes(const apr_bucket_brigade *brigade)
{
    const apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);

    while (bucket != APR_BRIGADE_SENTINEL(brigade) && APR_BUCKET_IS_METADATA(bucket))
        bucket = APR_BUCKET_NEXT(bucket);
    return bucket != APR_BRIGADE_SENTINEL(brigade);
}

static apr_status_t pass_through(whk_captured_body_t *body, ap_filter_t *filter,
                                 apr_bucket_brigade *brigade, ap_input_mode_t mode,
                                 apr_read_type_e block, apr_off_t most)
{
    request_rec *reading = filter->r;
    apr_table_t *headers = reading->headers_in;
    apr_status_t status = ap_get_brigade(filter->next, brigade, mode, block, most);

    if (body->keeps_header)
        reading->headers_in = headers;
    /* Lines are those of trailers, which httpd reads through all filters. */
    if (status == APR_SUCCESS && (mode == AP_MODE_READBYTES || mode == AP_MODE_EXHAUSTIVE) &&
        holds_bytes(brigade))
        body->is_lost = 1;
    return status;
}

static apr_status_t read_through_capture(ap_filter_t *filter, apr_bucket_brigade *brigade,
                                         ap_input_mode_t mode, apr_read_type_e block,
                                         apr_off_t most)
{
    whk_captured_body_t *body = filter->ctx;

    if (!body->is_read)
        return pass_through(body, filter, brigade, mode, block, most);
    if (body->flaw)
        return APR_EGENERAL;
    return serve_captured(body, filter, brigade, mode, most);
}

static apr_status_t read_captured(ap_filter_t *filter, apr_bucket_brigade *brigade,
                                  ap_input_mode_t mode, apr_read_type_e block, apr_off_t most)
{
    (void)block;
    return serve_captured(filter->ctx, filter, brigade, mode, most);
}

void whk_captured_body_register_filters(void)
{
    capture_filter = ap_register_input_filter("WEBHOOK_KEYS_BODY", read_through_capture, NULL,
                                              AP_FTYPE_PROTOCOL);
    handler_filter =
        ap_register_input_filter("WEBHOOK_KEYS_VERIFIED", read_captured, NULL, AP_FTYPE_RESOURCE);
}

static void unlink_filter(const ap_filter_t *filter, ap_filter_t **first)
{
    for (; *first; first = &(*first)->next)
        if (*first == filter) {
            *first = filter->next;
            return;
        }
}

/* httpd puts one of a type behind those that it has, so it is moved. */
static void move_to_head(ap_filter_t *filter, request_rec *r)
{
    unlink_filter(filter, &r->proto_input_filters);
    unlink_filter(filter, &r->input_filters);
    filter->next = r->proto_input_filters;
    r->proto_input_filters = filter;
    r->input_filters = filter;
}

static int is_needed(const whk_server_t *server)
{
    return server->key_cache || server->signs;
}

int whk_captured_body_post_read_request(request_rec *r)
{
    if (r->main || r->prev || !is_needed(whk_server_of(r->server)))
        return DECLINED;
    move_to_head(ap_add_input_filter_handle(capture_filter,
                                            apr_pcalloc(r->pool, sizeof(whk_captured_body_t)), r,
                                            r->connection),
                 r);
    return DECLINED;
}

static ap_filter_t *find(const request_rec *initial)
{
    ap_filter_t *filter = initial->proto_input_filters;

    while (filter && filter->frec != capture_filter)
        filter = filter->next;
    return filter;
}

static void set_content_length(request_rec *initial, const whk_captured_body_t *body)
{
    request_rec *each;
    const char *length = apr_psprintf(initial->pool, "%" APR_SIZE_T_FMT, body->length);

    if (!apr_table_get(initial->headers_in, "Transfer-Encoding") &&
        (body->length == 0 || apr_table_get(initial->headers_in, "Content-Length")))
        return;
    for (each = initial; each; each = each->next) {
        apr_table_unset(each->headers_in, "Transfer-Encoding");
        apr_table_setn(each->headers_in, "Content-Length", length);
    }
}

/* With MergeTrailers, httpd adds what comes behind the body to the header, whose fields were
 * verified as they came: trailers stay apart. */
static void capture(whk_captured_body_t *body, request_rec *initial, const ap_filter_t *filter,
                    apr_int64_t limit)
{
    request_rec *reading = filter->r;
    apr_table_t *headers = reading->headers_in;

    body->flaw = whk_body_read(initial, filter->next, limit, &body->bytes, &body->length);
    reading->headers_in = headers;
    body->is_read = 1;
    if (!body->flaw)
        set_content_length(initial, body);
}

const whk_outcome_t *whk_captured_body_read(request_rec *initial, apr_int64_t limit,
                                            const whk_captured_body_t **body)
{
    ap_filter_t *filter = find(initial);
    whk_captured_body_t *captured;

    if (!filter)
        return whk_fail(
            initial->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0450) "a module took away the filter that reads bodies of webhooks");
    captured = filter->ctx;
    if (captured->is_lost)
        return whk_refuse(initial->pool, WHK_INVALID_REQUEST,
                          "the body was read, and is gone, before httpd came to where webhooks are "
                          "verified: send it there directly");
    if (!captured->is_read)
        capture(captured, initial, filter, limit);
    if (captured->flaw)
        return captured->flaw;
    if (captured->length > (apr_uint64_t)limit)
        return whk_body_too_large(initial, limit);
    *body = captured;
    return NULL;
}

static const whk_captured_body_t *captured_of(const request_rec *initial)
{
    const ap_filter_t *found = find(initial);

    return found ? found->ctx : NULL;
}

int whk_captured_body_is_read(const request_rec *initial)
{
    const whk_captured_body_t *captured = captured_of(initial);

    return captured && captured->is_read;
}

int whk_captured_body_is_broken(const request_rec *initial)
{
    const whk_captured_body_t *captured = captured_of(initial);

    return captured && captured->flaw;
}

const whk_captured_body_t *whk_captured_body_if_read(const request_rec *initial)
{
    const whk_captured_body_t *captured = captured_of(initial);

    return captured && captured->is_read && !captured->flaw ? captured : NULL;
}

int whk_captured_body_is_empty(const request_rec *initial)
{
    const whk_captured_body_t *captured = captured_of(initial);

    return !captured || captured->length == 0;
}

int whk_captured_body_is_consumed(const request_rec *initial)
{
    const whk_captured_body_t *captured = captured_of(initial);

    return captured && captured->is_handed_over && captured->consumed > 0;
}

void whk_captured_body_keep_header(const request_rec *initial)
{
    const ap_filter_t *found = find(initial);
    whk_captured_body_t *captured = found ? found->ctx : NULL;

    if (captured)
        captured->keeps_header = 1;
}

void whk_captured_body_insert_filter(request_rec *r, request_rec *initial)
{
    static const whk_captured_body_t nothing = {.is_read = 1};
    const ap_filter_t *found = find(initial);
    whk_captured_body_t *captured = found ? found->ctx : NULL;
    ap_filter_t *filter;

    if (!captured || !captured->is_read || captured->flaw)
        captured = apr_pmemdup(r->pool, &nothing, sizeof(nothing));
    if (!captured->is_handed_over) {
        captured->is_handed_over = 1;
        captured->consumed = 0;
    }
    filter = ap_add_input_filter_handle(handler_filter, captured, r, r->connection);
    unlink_filter(filter, &r->input_filters);
    filter->next = r->input_filters;
    r->input_filters = filter;
}
