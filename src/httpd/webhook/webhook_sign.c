/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_sign.h"

#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/signing_jwks.h"
#include "httpd/signing_keys.h"
#include "httpd/webhook/backend_headers.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/request_verification.h"
#include "httpd/webhook/sent_request.h"
#include "httpd/webhook/webhook_errors.h"
#include "httpd/webhook/webhook_request.h"
#include "metrics/metrics.h"
#include "model/log_number.h"

/* ---- what can't be signed ---- */

/* Nor does what WebhookKeysEnforce Off let through go on in our name from another location. */
static const whk_outcome_t *check_verified(request_rec *r, const whk_config_t *config)
{
    const whk_verification_t *verification = whk_verification_nearest(r);

    if (config->enforce.rollout ||
        (verification && verification->outcome && verification->rules.enforce.rollout))
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0466) "WebhookKeysSign at %s would sign what WebhookKeysEnforce "
                                        "Off lets through and nobody verified: set "
                                        "WebhookKeysEnforce On, or WebhookKeysSign None",
                        r->uri);
    return NULL;
}

/* httpd gives the subrequests of a page no body, and what an ErrorDocument or a CGI program's
 * Location leads to gets none that was read before. */
static const whk_outcome_t *check_body(request_rec *r, request_rec *initial)
{
    if ((r->main && !whk_captured_body_is_empty(initial)) || whk_captured_body_is_consumed(initial))
        return whk_refuse(r->pool, WHK_INVALID_REQUEST,
                          "httpd came here with no body any more: send the request here directly");
    return NULL;
}

static const whk_outcome_t *check_method(request_rec *r)
{
    if (r->method_number == M_CONNECT)
        return whk_refuse(r->pool, WHK_INVALID_REQUEST,
                          "nothing that goes through a tunnel can be signed: send it with POST");
    return NULL;
}

/* mod_proxy sets these itself, after the request was signed. */
static int is_changed_by_proxy(const char *name)
{
    static const char *const names[] = {"connection",
                                        "content-length",
                                        "expect",
                                        "keep-alive",
                                        "max-forwards",
                                        "proxy-connection",
                                        "te",
                                        "trailer",
                                        "upgrade",
                                        "transfer-encoding",
                                        "x-forwarded-for",
                                        "x-forwarded-host",
                                        "via",
                                        "x-forwarded-server",
                                        "if-match",
                                        "if-modified-since",
                                        "if-range",
                                        "if-none-match",
                                        "if-unmodified-since",
                                        "proxy-authorization"};
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i], name))
            return 1;
    return 0;
}

static int is_there(request_rec *r, const char *name)
{
    return *name == '@' || !strcmp(name, "content-digest") || !strcmp(name, "host") ||
           apr_table_get(r->headers_in, name);
}

/* Before mod_proxy runs, which takes an error of ours for one of its backend. */
static const whk_outcome_t *check_components(request_rec *r, const whk_config_t *config)
{
    const apr_array_header_t *required = config->required_components;
    int i;

    if (config->sign.scheme != &whk_scheme_http_signature || !required)
        return NULL;
    for (i = 0; i < required->nelts; i++) {
        const char *name = APR_ARRAY_IDX(required, i, const char *);

        if (is_changed_by_proxy(name))
            return whk_fail(
                r->pool, WHK_INTERNAL_ERROR,
                WHK_LOGNO(0467) "WebhookKeysRequiredComponents names %s at %s, which changes when "
                                "a request is handed on, after it was signed: take it out there",
                name, r->uri);
        if (!is_there(r, name))
            return whk_refuse(r->pool, WHK_INVALID_REQUEST,
                              "the header %s is missing: it must be there to be signed", name);
    }
    return NULL;
}

/* ---- signing ---- */

static const whk_outcome_t *sign(request_rec *r, const whk_config_t *config)
{
    const whk_scheme_policy_t policy = {.header = config->sign.header,
                                        .body_hash_claim = config->body_hash_claim,
                                        .required_components = config->required_components,
                                        .signature_tag = config->signature_tag};
    const whk_signing_t signing = {whk_signing_key_of(r->server), apr_time_now(), config->max_age,
                                   &policy};
    apr_table_t *fields = apr_table_make(r->pool, 4);
    whk_message_t message;

    if (!signing.key)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0468) "WebhookKeysSign at %s has no key: add "
                                        "WebhookKeysSigningKey to its server",
                        r->uri);
    whk_sent_request_message(r, &message);
    WHK_TRY(config->sign.scheme->sign(fields, &message, &signing, r->pool));
    whk_backend_headers_replace(r, fields);
    whk_metrics_count(WHK_SIGNED, whk_label_index(WHK_LABEL_SCHEME, config->sign.scheme->name), 0);
    whk_webhook_request_of(r)->is_signed = 1;
    return NULL;
}

static const whk_outcome_t *prepare(request_rec *r, const whk_config_t *config)
{
    request_rec *initial = whk_initial_request(r);
    const whk_captured_body_t *body;

    WHK_TRY(check_verified(r, config));
    WHK_TRY(check_method(r));
    WHK_TRY(whk_captured_body_read(initial, config->max_webhook_body, &body));
    WHK_TRY(check_body(r, initial));
    WHK_TRY(check_components(r, config));
    whk_backend_headers_sanitize(r);
    whk_captured_body_insert_filter(r, initial);
    return NULL;
}

static const whk_outcome_t *expect_proxy(request_rec *r)
{
    if (!whk_sent_request_knows_proxy())
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0469) "mod_proxy does not tell what it sends, so nothing it "
                                        "sends from %s can be signed: load it with LoadModule",
                        r->uri);
    whk_sent_request_expect(r);
    whk_webhook_request_of(r)->awaits_proxy = 1;
    return NULL;
}

/* By us, who hand it to nobody. mod_proxy takes what is its own whatever the handler is. */
static int is_answered_here(request_rec *r)
{
    return r->handler && !whk_sent_request_is_proxied(r) &&
           (!strcmp(r->handler, WHK_HANDLER) || !strcmp(r->handler, WHK_SIGNING_JWKS_HANDLER));
}

int whk_webhook_sign_handler(request_rec *r)
{
    const whk_config_t *config = whk_config_of(r);
    const whk_outcome_t *outcome;

    if (!config->sign.scheme || is_answered_here(r))
        return DECLINED;
    outcome = prepare(r, config);
    if (!outcome)
        outcome = whk_sent_request_is_proxied(r) ? expect_proxy(r) : sign(r, config);
    return outcome ? whk_webhook_stop(r, outcome) : DECLINED;
}

int whk_webhook_sign_after_proxy(request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

    if (!webhook || !webhook->awaits_proxy || webhook->is_signed)
        return DECLINED;
    return whk_webhook_stop(
        r, whk_fail(r->pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0470) "mod_proxy did not take what WebhookKeysSign is to sign at %s, "
                                    "and nobody else gets it unsigned",
                    r->uri));
}

/* ---- called by mod_proxy ---- */

/* Protocols that carry header fields to whoever answers. */
static const whk_outcome_t *check_protocol(request_rec *r, const char *url)
{
    static const char *const good[] = {
        "http:", "https:", "h2:", "h2c:", "fcgi:", "scgi:", "uwsgi:", "ajp:"};
    apr_size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!ap_cstr_casecmpn(url, good[i], strlen(good[i])))
            return NULL;
    return whk_fail(
        r->pool, WHK_INTERNAL_ERROR,
        WHK_LOGNO(0471) "what goes from %s by %.*s carries no signature: WebhookKeysSign is for "
                        "http, https, h2, h2c, fcgi, scgi, uwsgi and ajp",
        r->uri, (int)strcspn(url, ":"), url);
}

static int sign_for_proxy(request_rec *r, const char *url)
{
    const whk_outcome_t *outcome;

    if (!whk_config_of(r)->sign.scheme)
        return DECLINED;
    if (!whk_webhook_request_of(r)->awaits_proxy)
        outcome = whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0472) "a module before mod_proxy led %s around WebhookKeysSign", r->uri);
    else
        outcome = check_protocol(r, url);
    if (!outcome)
        outcome = sign(r, whk_config_of(r));
    if (!outcome)
        return DECLINED;
    /* What the client gets is our own status: of a 500 mod_proxy_balancer would think that its
     * member is out of order. */
    whk_webhook_stop(r, outcome);
    return HTTP_BAD_GATEWAY;
}

int whk_webhook_sign_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    whk_sent_request_set_hook(sign_for_proxy);
    return OK;
}
