/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_gate.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/request.h"
#include "httpd/server_state.h"
#include "httpd/webhook/request_verification.h"
#include "httpd/webhook/response.h"
#include "httpd/webhook/response_cache.h"
#include "httpd/webhook/response_deadline.h"
#include "httpd/webhook/response_filter.h"
#include "httpd/webhook/response_interim.h"
#include "httpd/webhook/sent_request.h"
#include "httpd/webhook/webhook_errors.h"
#include "httpd/webhook/webhook_request.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "scheme/signed_message_claims.h"

/* ---- what is known before ---- */

static const whk_outcome_t *find_claims(request_rec *r, whk_response_t *response)
{
    const apr_array_header_t *asked = response->rules.response_claims;
    apr_array_header_t *claims = apr_array_make(r->pool, 1, sizeof(whk_expected_claim_t));
    int i;

    for (i = 0; asked && i < asked->nelts; i++) {
        const whk_response_claim_t *claim = &APR_ARRAY_IDX(asked, i, whk_response_claim_t);
        const char *error = NULL;
        whk_expected_claim_t expected = {claim->name, NULL};

        expected.value = ap_expr_str_exec(r, claim->value, &error);
        if (error)
            return whk_fail(
                r->pool, WHK_INTERNAL_ERROR,
                WHK_LOGNO(0457) "WebhookKeysResponseClaim %s can't be evaluated for %s: %s",
                claim->name, r->uri, error);
        if (!*expected.value)
            return whk_refuse(r->pool, WHK_CLAIM_MISMATCH,
                              "the expression of WebhookKeysResponseClaim %s gives nothing for "
                              "this request, so no answer could be told to be one to it, and it "
                              "was not sent: see that the request has what the expression reads",
                              claim->name);
        APR_ARRAY_PUSH(claims, whk_expected_claim_t) = expected;
    }
    response->claims = claims;
    return NULL;
}

static const whk_outcome_t *evaluate(request_rec *r, whk_response_t *response)
{
    if (!response->rules.enterprise || !whk_server_of(r->server)->key_cache)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0458) "WebhookKeysResponse at %s needs %s", r->uri,
                        response->rules.enterprise
                            ? "keys: see what this process logged when it started"
                            : "WebhookKeysEnterprise: set it to whose answers come from there");
    WHK_TRY(whk_enterprise_of(r, &response->rules, &response->enterprise_id, r->pool));
    return find_claims(r, response);
}

static whk_response_t *create(request_rec *r)
{
    whk_response_t *response = apr_pcalloc(r->pool, sizeof(*response));

    memcpy(&response->rules, whk_config_of(r), sizeof(response->rules));
    response->sent = r;
    response->deadline = whk_clock_now() + response->rules.response_timeout;
    return response;
}

/* ---- what the handler meets ---- */

/* Nothing is asked for that could not be verified: no tunnel, and of a JWS no other coding. */
static void prepare_request(request_rec *r, const whk_response_t *response)
{
    r->headers_in = apr_table_copy(r->pool, r->headers_in);
    apr_table_unset(r->headers_in, "Upgrade");
    apr_table_unset(r->headers_in, "HTTP2-Settings");
    if (response->rules.response.scheme != &whk_scheme_http_signature)
        apr_table_unset(r->headers_in, "Accept-Encoding");
}

static void take_snapshot(const request_rec *r, whk_response_t *response)
{
    response->headers_out = apr_table_copy(r->pool, r->headers_out);
    response->err_headers_out = apr_table_copy(r->pool, r->err_headers_out);
    response->content_type = r->content_type;
}

static const whk_outcome_t *await(request_rec *r, whk_response_t *response)
{
    whk_sent_request_expect(response->sent);
    whk_webhook_request_of(r)->response = response;
    take_snapshot(r, response);
    WHK_TRY(whk_response_filter_insert(r, response));
    prepare_request(r, response);
    whk_response_cache_pass_by(r);
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress");
    whk_response_interim_stop(r);
    whk_response_deadline_set(response->deadline);
    return NULL;
}

/* ---- redirects within httpd ---- */

/* Another request is made of one by an ErrorDocument too, as nothing else does: with the error as
 * its status, and to where the document lies. */
static int is_error_document(request_rec *r)
{
    request_rec *failed = r->prev;
    const char *document =
        ap_is_HTTP_ERROR(failed->status)
            ? ap_response_code_string(failed, ap_index_of_response(failed->status))
            : NULL;

    return document && *document == '/' && r->unparsed_uri && !strcmp(document, r->unparsed_uri);
}

static const whk_response_t *response_before(const request_rec *r)
{
    const whk_webhook_request_t *webhook = r->prev ? whk_webhook_request_if_any(r->prev) : NULL;

    return webhook ? webhook->response : NULL;
}

/* What a CGI program's Location leads to is the answer, and is held by the same rules. */
static const whk_outcome_t *await_behind_redirect(request_rec *r, const whk_response_t *before)
{
    whk_response_t *response = apr_pmemdup(r->pool, before, sizeof(*before));

    r->err_headers_out = apr_table_copy(r->pool, before->err_headers_out);
    return await(r, response);
}

static const whk_outcome_t *begun(const request_rec *r, const whk_response_t *response)
{
    if (whk_clock_now() >= response->deadline)
        return whk_refuse(r->pool, WHK_ANSWER_TIMEOUT,
                          "nothing whole came within WebhookKeysResponseTimeout");
    return whk_refuse(r->pool, WHK_ANSWER_INCOMPLETE,
                      "the handler took an answer for an error of its own, as with "
                      "ProxyErrorOverride or a redirect of a CGI program, or it broke off");
}

/* An error of httpd's own has its document. One that the backend chose has none: httpd comes back
 * to that request then, to tell of it. */
static int meet_error_document(request_rec *r, const whk_response_t *before)
{
    if (whk_response_has_begun(r->prev, before))
        return HTTP_BAD_GATEWAY;
    r->err_headers_out = apr_table_copy(r->pool, before->err_headers_out);
    return DECLINED;
}

int whk_response_gate_handler(request_rec *r)
{
    const whk_response_t *before = response_before(r);
    const whk_outcome_t *outcome = NULL;
    whk_response_t *response;

    whk_response_deadline_set(0);
    if (before || r->prev)
        whk_response_interim_go_on(r->connection);
    if (before && is_error_document(r))
        return meet_error_document(r, before);
    if (before)
        outcome = await_behind_redirect(r, before);
    if (!outcome && whk_config_of(r)->response.scheme && !whk_config_is_ours(r)) {
        response = create(r);
        outcome = evaluate(r, response);
        if (!outcome)
            outcome = await(r, response);
    }
    return outcome ? whk_webhook_stop_answer(r, outcome) : DECLINED;
}

int whk_response_gate_after_cache(request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

    whk_response_cache_passed(r);
    if (!webhook || !webhook->response || webhook->is_stopped)
        return DECLINED;
    /* Once more: httpd tells beside mod_cache which protocols it could change to. */
    take_snapshot(r, webhook->response);
    return DECLINED;
}

void whk_response_gate_insert_error_filter(request_rec *r)
{
    whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);
    const whk_outcome_t *outcome = NULL;

    whk_response_interim_go_on(r->connection);
    whk_response_deadline_set(0);
    if (!webhook || !webhook->response || webhook->is_stopped)
        return;
    if (whk_response_has_begun(r, webhook->response) ||
        whk_clock_now() >= webhook->response->deadline)
        outcome = begun(r, webhook->response);
    if (outcome)
        r->status = whk_webhook_stop_answer(r, outcome);
    else
        r->err_headers_out = apr_table_copy(r->pool, webhook->response->err_headers_out);
}
