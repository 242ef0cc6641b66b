/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_gate.h"

#include <http_log.h>

#include "httpd/config.h"
#include "httpd/rollout.h"
#include "httpd/webhook/backend_headers.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/webhook_auth.h"
#include "httpd/webhook/webhook_environment.h"
#include "httpd/webhook/webhook_errors.h"
#include "httpd/webhook/webhook_replay.h"
#include "httpd/webhook/webhook_request.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

/* What the handler gets. */
static void prepare(request_rec *r, const whk_verification_t *verification)
{
    whk_backend_headers_sanitize(r);
    if (verification->rules.backend_headers)
        whk_backend_headers_set_signer(r, verification);
    whk_captured_body_insert_filter(r, whk_initial_request(r));
    whk_webhook_environment_set_signer(r, verification);
}

/* What the handler gets where WebhookKeysEnforce is Off: the body as it was captured or, where
 * nobody had to read it, as it comes. */
static void prepare_overlooked(request_rec *r, const whk_verification_t *verification,
                               const whk_outcome_t *outcome)
{
    request_rec *initial = whk_initial_request(r);

    if (r->ap_auth_type && !strcmp(r->ap_auth_type, WHK_WEBHOOK_AUTH_TYPE)) {
        r->user = NULL;
        r->ap_auth_type = NULL;
    }
    whk_backend_headers_sanitize(r);
    if (verification->rules.backend_headers)
        whk_backend_headers_set_verdict(r, whk_code_name(outcome->code));
    if (whk_captured_body_is_read(initial))
        whk_captured_body_insert_filter(r, initial);
    else
        whk_captured_body_keep_header(initial);
    whk_webhook_environment_unset_signer(r, whk_code_name(outcome->code));
}

/* In a location of others, behind one of webhooks: who signed is set where the body is whole.
 * What another handler has left is no longer what he signed. */
static void prepare_open_location(request_rec *r, const whk_verification_t *verification)
{
    request_rec *initial = whk_initial_request(r);

    if (!whk_captured_body_is_consumed(initial)) {
        prepare(r, verification);
        return;
    }
    if (verification->rules.backend_headers)
        whk_backend_headers_set_verdict(r, NULL);
    whk_captured_body_insert_filter(r, initial);
    whk_webhook_environment_unset_signer(r, NULL);
}

/* Where nobody was asked for a signature: another part of a RequireAny must have granted access. */
static const whk_outcome_t *check_alternative(request_rec *r)
{
    int requires = whk_config_of(r)->requires;

    if (!whk_webhook_auth_granted_access(r))
        return whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0463) "%s, which has WebhookKeysSignature, was reached without its Require "
                            "lines being asked, as by an ErrorDocument in the same location or "
                            "Satisfy Any: that is not for webhooks",
            r->uri);
    if (!(requires & WHK_REQUIRES_VALID_WEBHOOK))
        return whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0464) "access to %s, which has WebhookKeysSignature, was granted without any "
                            "question for a signature: add Require valid-webhook",
            r->uri);
    if (requires & WHK_REQUIRES_NOTHING)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0465) "Require all granted is an alternative to Require "
                                        "valid-webhook at %s, perhaps by AuthMerging Or: it lets "
                                        "everything through, so take it away",
                        r->uri);
    return NULL;
}

static int let_through_unverified(request_rec *r)
{
    const whk_outcome_t *outcome = check_alternative(r);

    if (outcome)
        return whk_webhook_stop(r, outcome);
    if (whk_config_of(r)->backend_headers)
        whk_backend_headers_set_verdict(r, "not_verified");
    whk_captured_body_keep_header(whk_initial_request(r));
    whk_webhook_environment_unset_signer(r, "not_verified");
    return DECLINED;
}

/* What may still be amiss with what is signed right. */
static const whk_outcome_t *check_body_and_method(request_rec *r)
{
    request_rec *initial = whk_initial_request(r);

    if (r->method_number == M_CONNECT)
        return whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED,
                          "a webhook opens no tunnel: send it with POST");
    /* httpd gives the subrequests of a page no body, and what an ErrorDocument or a CGI program's
     * Location leads to gets none that was read before: another one than was signed. */
    if ((r->main && !whk_captured_body_is_empty(initial)) || whk_captured_body_is_consumed(initial))
        return whk_refuse(r->pool, WHK_INVALID_REQUEST,
                          "httpd came here with no body any more: send the webhook here directly");
    return NULL;
}

/* Reserves its use. What was sent twice has no signer any more, for whatever comes of it. */
static const whk_outcome_t *reserve(request_rec *r, whk_verification_t *verification)
{
    const whk_outcome_t *outcome = whk_webhook_replay_reserve(r, verification);

    if (outcome && verification->rules.enforce.rollout)
        verification->outcome = outcome;
    return outcome;
}

/* Its Require lines hold all the same. */
static int let_through_overlooked(request_rec *r, const whk_verification_t *verification,
                                  const whk_outcome_t *outcome)
{
    const whk_outcome_t *flaw = check_alternative(r);

    if (flaw)
        return whk_webhook_stop(r, flaw);
    whk_rollout_count(verification->rules.enforce.rollout, r, outcome);
    prepare_overlooked(r, verification, outcome);
    return DECLINED;
}

static int let_through_verified(request_rec *r)
{
    whk_verification_t *verification = whk_verification_of(r);
    const whk_outcome_t *outcome = verification->outcome;

    if (!outcome)
        outcome = check_body_and_method(r);
    if (!outcome)
        outcome = reserve(r, verification);
    if (outcome)
        return whk_webhook_auth_may_overlook(r, verification)
                   ? let_through_overlooked(r, verification, outcome)
                   : whk_webhook_stop(r, outcome);
    whk_webhook_auth_set_user(r, verification);
    prepare(r, verification);
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "a webhook passed: enterprise %s, keyId %s, %s [request %s]",
                  verification->enterprise_id, verification->webhook.key_id,
                  verification->webhook.algorithm, whk_request_of(r)->id);
    return DECLINED;
}

/* What comes from a location of webhooks is presented as such. Its own request, which mod_dir or
 * mod_negotiation led out of there, has met no gate yet; any other that was let through has. */
static int let_through_open(request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);
    whk_verification_t *verification = whk_verification_nearest(r);
    const whk_outcome_t *outcome = verification ? verification->outcome : NULL;
    int is_own = verification && webhook && webhook->verification == verification;

    if (!verification || (outcome && !verification->rules.enforce.rollout))
        return DECLINED;
    if (!outcome && is_own)
        outcome = reserve(r, verification);
    if (!outcome) {
        prepare_open_location(r, verification);
        return DECLINED;
    }
    if (!verification->rules.enforce.rollout)
        return whk_webhook_stop(r, outcome);
    if (is_own)
        whk_rollout_count(verification->rules.enforce.rollout, r, outcome);
    prepare_overlooked(r, verification, outcome);
    return DECLINED;
}

int whk_webhook_gate_handler(request_rec *r)
{
    const whk_outcome_t *flaw;

    if (!whk_webhook_auth_is_required(r))
        return let_through_open(r);
    flaw = whk_webhook_auth_check_location(r);
    if (flaw)
        return whk_webhook_stop(r, flaw);
    return whk_verification_was_made(r) ? let_through_verified(r) : let_through_unverified(r);
}
