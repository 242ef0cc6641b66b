/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_gate.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/api/api_response.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "httpd/webhook/backend_headers.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/webhook_verification.h"
#include "model/timestamp.h"

APLOG_USE_MODULE(webhook_keys);

#define NOT_VERIFIED "not_verified"

/* Among a request's notes, which a redirect within httpd takes over from the subrequest that it
 * promotes: whether the Require lines of its location were asked, and let it pass. */
#define ACCESS_NOTE "webhook-keys-access"
#define ACCESS_GRANTED "granted"

static void forget_identity(request_rec *r)
{
    apr_table_unset(r->subprocess_env, "WEBHOOK_ENTERPRISE");
    apr_table_unset(r->subprocess_env, "WEBHOOK_KEY_ID");
    apr_table_unset(r->subprocess_env, "WEBHOOK_ALG");
    apr_table_unset(r->subprocess_env, "WEBHOOK_SIGNED_AT");
}

static void tell_environment(request_rec *r, const whk_verification_t *verification)
{
    const whk_webhook_t *webhook = &verification->webhook;

    forget_identity(r);
    apr_table_setn(r->subprocess_env, "WEBHOOK_VERDICT", "ok");
    apr_table_setn(r->subprocess_env, "WEBHOOK_ENTERPRISE", verification->enterprise_id);
    apr_table_setn(r->subprocess_env, "WEBHOOK_KEY_ID", webhook->key_id);
    apr_table_setn(r->subprocess_env, "WEBHOOK_ALG", webhook->algorithm);
    if (webhook->signed_at)
        apr_table_setn(r->subprocess_env, "WEBHOOK_SIGNED_AT",
                       whk_time_format(r->pool, webhook->signed_at));
}

/* A sender's fault is a 401 here, whatever status its code has where it answers a request to the
 * API. */
static int status_of(const whk_outcome_t *outcome)
{
    int status = whk_code_status(outcome->code);

    return status >= 500 || status == HTTP_REQUEST_ENTITY_TOO_LARGE ||
                   outcome->code == WHK_INVALID_REQUEST
               ? status
               : HTTP_UNAUTHORIZED;
}

/* mod_dir and others answer the request itself with the status of a subrequest. */
static void note_for_parent(request_rec *r, const whk_request_t *request)
{
    request_rec *initial = whk_initial_request(r);
    whk_request_t *parent = whk_request_of(initial);

    parent->inner.outcome = whk_outcome_copy(initial->pool, request->outcome);
    parent->inner.status = request->status;
    parent->inner.challenge = apr_pstrdup(initial->pool, request->challenge);
}

static int stop(request_rec *r, const whk_outcome_t *outcome)
{
    whk_request_t *request = whk_request_of(r);
    const char *realm = ap_auth_name(r);

    forget_identity(r);
    apr_table_setn(r->subprocess_env, "WEBHOOK_VERDICT", whk_code_name(outcome->code));
    request->challenge = apr_psprintf(r->pool, WHK_WEBHOOK_AUTH_TYPE " realm=\"%s\"",
                                      ap_escape_quotes(r->pool, realm ? realm : "webhooks"));
    request->stopped_webhook = 1;
    whk_answer_claim_errors(r);
    whk_request_stop(r, outcome);
    request->status = status_of(outcome);
    if (r->main)
        note_for_parent(r, request);
    return request->status;
}

/* ---- the location ---- */

static int has_our_auth_type(const request_rec *r)
{
    const char *type = ap_auth_type((request_rec *)r);

    return type && !ap_cstr_casecmp(type, WHK_WEBHOOK_AUTH_TYPE);
}

/* In a server's own configuration WebhookKeysSignature is a default for its locations, not yet
 * theirs. */
static int is_guarded(const request_rec *r, const whk_config_t *config)
{
    return config->signature.in_section || has_our_auth_type(r);
}

static const whk_outcome_t *check_location(request_rec *r, const whk_config_t *config)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    if (!has_our_auth_type(r))
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        "WebhookKeysSignature at %s needs AuthType " WHK_WEBHOOK_AUTH_TYPE
                        ": add that and Require valid-webhook (or WebhookKeysSignature None, where "
                        "nothing is to be signed)",
                        r->uri);
    if (!config->requires)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        "AuthType " WHK_WEBHOOK_AUTH_TYPE " at %s needs Require valid-webhook: "
                        "httpd asks who signed only where somebody requires it",
                        r->uri);
    if (core->input_filters)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        "SetInputFilter %s holds for %s, where webhooks are verified: what was "
                        "signed must arrive as it is, so keep the filter away from there",
                        core->input_filters, r->uri);
    return NULL;
}

int whk_webhook_check_location(request_rec *r)
{
    const whk_config_t *config = whk_config_of(r);
    const whk_outcome_t *flaw;

    if (!is_guarded(r, config))
        return DECLINED;
    flaw = check_location(r, config);
    if (flaw)
        return stop(r, flaw);
    whk_request_of(r)->access_checked = 1;
    return DECLINED;
}

/* httpd does not ask again where a request has the configuration of the one that it was made of,
 * be that one refused as it may: an ErrorDocument is reached so. */
static int was_granted(request_rec *r)
{
    const request_rec *origin = r->prev && r->prev->per_dir_config == r->per_dir_config   ? r->prev
                                : r->main && r->main->per_dir_config == r->per_dir_config ? r->main
                                                                                          : NULL;
    const char *note = origin ? apr_table_get(origin->notes, ACCESS_NOTE) : NULL;

    return whk_request_of(r)->access_checked || (note && !strcmp(note, ACCESS_GRANTED));
}

/* Whoever comes here was let pass, or not asked. */
static void note_access(request_rec *r)
{
    if (is_guarded(r, whk_config_of(r)))
        apr_table_setn(r->notes, ACCESS_NOTE, was_granted(r) ? ACCESS_GRANTED : "not asked");
}

/* ---- authentication and authorisation ---- */

/* mod_dav asks by a subrequest of the same method whether it may put there what lies elsewhere. */
static int is_destination(request_rec *r)
{
    static const char *const methods[] = {"COPY", "MOVE", "BIND"};
    const char *method = whk_initial_request(r)->method;
    apr_size_t i;

    for (i = 0; r->main && i < sizeof(methods) / sizeof(methods[0]); i++)
        if (!strcmp(method, methods[i]))
            return 1;
    return 0;
}

int whk_webhook_check(request_rec *r)
{
    const whk_verification_t *verification;

    if (!has_our_auth_type(r))
        return DECLINED;
    verification = whk_verification_of(r);
    if (verification->outcome)
        return stop(r, verification->outcome);
    if (is_destination(r))
        return stop(r, whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED,
                                  "nobody signed the bytes that would be copied here: send them"));
    r->user = apr_pstrdup(r->pool, verification->webhook.key_id);
    r->ap_auth_type = (char *)WHK_WEBHOOK_AUTH_TYPE;
    tell_environment(r, verification);
    return OK;
}

static authz_status check_valid(request_rec *r, const char *line, const void *parsed)
{
    const whk_verification_t *verification;

    (void)line;
    (void)parsed;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    /* Its own: what was verified before a redirect was so by another location's rules. */
    verification = whk_request_of(r)->verification;
    return verification && !verification->outcome ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static const char *parse_valid(cmd_parms *cmd, const char *line, const void **parsed)
{
    (void)cmd;
    (void)parsed;
    if (*line)
        return "Require valid-webhook takes no arguments";
    return NULL;
}

const authz_provider whk_webhook_provider = {check_valid, parse_valid};

int whk_webhook_carry(request_rec *r)
{
    const whk_verification_t *verification =
        r->prev || r->main ? whk_verification_inherited(r) : NULL;

    note_access(r);
    if (verification)
        tell_environment(r, verification);
    return DECLINED;
}

/* ---- the gate ---- */

static void present(request_rec *r, const whk_verification_t *verification)
{
    whk_backend_headers_sanitize(r);
    if (verification->rules.backend_headers)
        whk_backend_headers_set_signer(r, verification);
    whk_captured_body_hand_over(r, whk_initial_request(r));
    tell_environment(r, verification);
}

/* In a location that is anybody's, behind one of webhooks: who signed is told with the whole of it.
 * What another handler has left is no longer what he signed. */
static void present_elsewhere(request_rec *r, const whk_verification_t *verification)
{
    request_rec *initial = whk_initial_request(r);

    if (!whk_captured_body_is_consumed(initial)) {
        present(r, verification);
        return;
    }
    if (verification->rules.backend_headers)
        whk_backend_headers_set_signer(r, NULL);
    whk_captured_body_hand_over(r, initial);
    forget_identity(r);
}

/* Another part of a RequireAny granted access, and nobody was asked for a signature. */
static int let_through_unverified(request_rec *r, const whk_config_t *config)
{
    const char *access = apr_table_get(r->notes, ACCESS_NOTE);

    if (!access || strcmp(access, ACCESS_GRANTED) != 0)
        return stop(r, whk_fail(r->pool, WHK_INTERNAL_ERROR,
                                "%s, which has WebhookKeysSignature, was reached without its "
                                "Require lines being asked, as by an ErrorDocument in the same "
                                "location or Satisfy Any: that is not for webhooks",
                                r->uri));
    if (!(config->requires & WHK_REQUIRES_VALID_WEBHOOK))
        return stop(r, whk_fail(r->pool, WHK_INTERNAL_ERROR,
                                "access to %s, which has WebhookKeysSignature, was granted without "
                                "any question for a signature: add Require valid-webhook",
                                r->uri));
    if (config->requires & WHK_REQUIRES_NOTHING)
        return stop(r, whk_fail(r->pool, WHK_INTERNAL_ERROR,
                                "Require all granted is an alternative to Require valid-webhook at "
                                "%s, perhaps by AuthMerging Or: it lets everything through, so "
                                "take it away",
                                r->uri));
    if (config->backend_headers)
        whk_backend_headers_set_signer(r, NULL);
    forget_identity(r);
    apr_table_setn(r->subprocess_env, "WEBHOOK_VERDICT", NOT_VERIFIED);
    return DECLINED;
}

/* What may still be amiss with what is signed right. */
static const whk_outcome_t *check_use(request_rec *r)
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

static int let_through_verified(request_rec *r)
{
    whk_verification_t *verification = whk_verification_of(r);
    const whk_outcome_t *outcome = verification->outcome;

    if (!outcome)
        outcome = check_use(r);
    if (!outcome)
        outcome = whk_webhook_use(r, verification);
    if (outcome)
        return stop(r, outcome);
    r->user = apr_pstrdup(r->pool, verification->webhook.key_id);
    r->ap_auth_type = (char *)WHK_WEBHOOK_AUTH_TYPE;
    present(r, verification);
    return DECLINED;
}

/* What comes from a location of webhooks is presented as such. Its own request, which mod_dir or
 * mod_negotiation led out of there, has met no gate yet; any other that was let through has. */
static int let_through_open(request_rec *r)
{
    whk_verification_t *own = whk_request_of(r)->verification;
    const whk_verification_t *verification = whk_verification_inherited(r);
    const whk_outcome_t *outcome = own && own == verification ? whk_webhook_use(r, own) : NULL;

    if (outcome)
        return stop(r, outcome);
    if (verification)
        present_elsewhere(r, verification);
    return DECLINED;
}

int whk_webhook_gate(request_rec *r)
{
    const whk_config_t *config = whk_config_of(r);
    const whk_outcome_t *flaw;

    if (!is_guarded(r, config))
        return let_through_open(r);
    flaw = check_location(r, config);
    if (flaw)
        return stop(r, flaw);
    return whk_verification_was_asked(r) ? let_through_verified(r)
                                         : let_through_unverified(r, config);
}
