#include "httpd/captured_body.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "httpd/body.h"

static ap_filter_rec_t *filter_rec;

static apr_status_t hand_out(ap_filter_t *filter, apr_bucket_brigade *brigade, ap_input_mode_t mode,
                             apr_read_type_e block, apr_off_t most)
{
    whk_captured_body_t *body = filter->ctx;
    apr_size_t left = body->length - body->given;
    apr_bucket_alloc_t *allocator = filter->c->bucket_alloc;

    (void)block;
    if (mode == AP_MODE_INIT)
        return APR_SUCCESS;
    if (mode != AP_MODE_READBYTES && mode != AP_MODE_SPECULATIVE && mode != AP_MODE_EXHAUSTIVE)
        return APR_ENOTIMPL;
    if (mode != AP_MODE_EXHAUSTIVE && most >= 0 && (apr_uint64_t)most < left)
        left = (apr_size_t)most;
    /* Memory of the request's pool, whose buckets are copied should they outlive it. */
    if (left)
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_pool_create(body->bytes + body->given, left,
                                                                filter->r->pool, allocator));
    if (body->given + left == body->length)
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(allocator));
    if (mode != AP_MODE_SPECULATIVE)
        body->given += left;
    return APR_SUCCESS;
}

static void unlink_filter(ap_filter_t *filter, ap_filter_t **first)
{
    for (; *first; first = &(*first)->next)
        if (*first == filter) {
            *first = filter->next;
            return;
        }
}

/* Among the protocol's filters, which an internal redirect keeps, and the first of them. httpd puts
 * one of a type behind those that it has, so it is moved. */
static void put_back(request_rec *r, whk_captured_body_t *body)
{
    ap_filter_t *filter = ap_add_input_filter_handle(filter_rec, body, r, r->connection);
    ap_filter_t **place;

    unlink_filter(filter, &r->proto_input_filters);
    unlink_filter(filter, &r->input_filters);
    for (place = &r->input_filters; *place && *place != r->proto_input_filters;)
        place = &(*place)->next;
    filter->next = r->proto_input_filters;
    *place = filter;
    r->proto_input_filters = filter;
}

static void give_length(request_rec *r, const whk_captured_body_t *body)
{
    if (!apr_table_get(r->headers_in, "Transfer-Encoding") &&
        (body->length == 0 || apr_table_get(r->headers_in, "Content-Length")))
        return;
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    apr_table_setn(r->headers_in, "Content-Length",
                   apr_psprintf(r->pool, "%" APR_SIZE_T_FMT, body->length));
}

const whk_outcome_t *whk_captured_body_read(request_rec *r, apr_int64_t limit,
                                            whk_captured_body_t **body)
{
    whk_captured_body_t *captured = apr_pcalloc(r->pool, sizeof(*captured));

    WHK_TRY(whk_body_read(r, limit, &captured->bytes, &captured->length));
    put_back(r, captured);
    give_length(r, captured);
    *body = captured;
    return NULL;
}

void whk_captured_body_register_filter(void)
{
    filter_rec = ap_register_input_filter("WEBHOOK_KEYS_BODY", hand_out, NULL, AP_FTYPE_PROTOCOL);
}
