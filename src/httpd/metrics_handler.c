/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/metrics_handler.h"

#include <http_protocol.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/json_response.h"
#include "httpd/request.h"
#include "metrics/prometheus.h"
#include "model/log_number.h"

#define ALLOW "GET, HEAD, OPTIONS"

static int send_error(request_rec *r, const whk_outcome_t *outcome)
{
    whk_error_response_set_common_headers(r->headers_out);
    whk_request_of(r)->error.allow = ALLOW;
    return whk_respond_error(r, outcome);
}

static void send_text(void *r, const char *text, apr_size_t length)
{
    ap_rwrite(text, (int)length, r);
}

int whk_metrics_handler(request_rec *r)
{
    const whk_metrics_t *metrics = whk_metrics_used();

    if (!r->handler || strcmp(r->handler, WHK_METRICS_HANDLER) != 0)
        return DECLINED;
    if (r->method_number == M_OPTIONS)
        return whk_respond_options(r, ALLOW);
    if (r->method_number != M_GET)
        return send_error(
            r, whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED, "the metrics are read with GET"));
    if (!metrics)
        return send_error(r, whk_fail(r->pool, WHK_INTERNAL_ERROR,
                                      WHK_LOGNO(0901) "nothing is counted: see what httpd logged "
                                                      "when it was started (WHK0900)"));
    whk_error_response_set_common_headers(r->headers_out);
    ap_set_content_type(r, WHK_PROMETHEUS_TYPE);
    if (!r->header_only)
        whk_prometheus_write(metrics, send_text, r, r->pool);
    return OK;
}
