/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_auth.h"

#include <apr_strings.h>
#include <http_core.h>

#include "httpd/config.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/webhook_environment.h"
#include "httpd/webhook/webhook_errors.h"
#include "httpd/webhook/webhook_request.h"
#include "model/log_number.h"

/* Among a request's notes, which a redirect within httpd takes over from the subrequest that it
 * promotes: whether the Require lines of its location were asked, and let it pass. */
#define ACCESS_NOTE "webhook-keys-access"
#define ACCESS_GRANTED "granted"

static int has_our_auth_type(const request_rec *r)
{
    const char *type = ap_auth_type((request_rec *)r);

    return type && !ap_cstr_casecmp(type, WHK_WEBHOOK_AUTH_TYPE);
}

/* In a server's own configuration WebhookKeysSignature is a default for its locations, not yet
 * theirs. */
int whk_webhook_auth_is_required(const request_rec *r)
{
    return whk_config_of(r)->signature.in_section || has_our_auth_type(r);
}

const whk_outcome_t *whk_webhook_auth_check_location(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    if (!has_our_auth_type(r))
        return whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0460) "WebhookKeysSignature at %s needs AuthType " WHK_WEBHOOK_AUTH_TYPE
                            ": add that and Require valid-webhook (or WebhookKeysSignature None, "
                            "where nothing is to be signed)",
            r->uri);
    if (!whk_config_of(r)->requires)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0461) "AuthType " WHK_WEBHOOK_AUTH_TYPE
                                        " at %s needs Require valid-webhook: "
                                        "httpd asks who signed only where somebody requires it",
                        r->uri);
    if (core->input_filters)
        return whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0462) "SetInputFilter %s holds for %s, where webhooks are verified: what was "
                            "signed must arrive as it is, so keep the filter away from there",
            core->input_filters, r->uri);
    return NULL;
}

int whk_webhook_auth_check_access_ex(request_rec *r)
{
    const whk_outcome_t *flaw;

    if (!whk_webhook_auth_is_required(r))
        return DECLINED;
    flaw = whk_webhook_auth_check_location(r);
    if (flaw)
        return whk_webhook_stop(r, flaw);
    whk_webhook_request_of(r)->access_checked = 1;
    return DECLINED;
}

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

void whk_webhook_auth_set_user(request_rec *r, const whk_verification_t *verification)
{
    r->user = apr_pstrdup(r->pool, verification->webhook.key_id);
    r->ap_auth_type = (char *)WHK_WEBHOOK_AUTH_TYPE;
}

int whk_webhook_auth_may_overlook(request_rec *r, const whk_verification_t *verification)
{
    const whk_config_t *config = whk_config_of(r);

    return config->enforce.rollout && config->requires & WHK_REQUIRES_VALID_WEBHOOK &&
           !verification->is_unconfigured && r->method_number != M_CONNECT &&
           !whk_captured_body_is_broken(whk_initial_request(r));
}

/* httpd asks no Require line without a user, so there is one of no name until it does. */
static int overlook(request_rec *r, const whk_outcome_t *outcome)
{
    whk_webhook_request_of(r)->is_overlooked = 1;
    r->user = apr_pstrdup(r->pool, "");
    whk_webhook_environment_unset_signer(r, whk_code_name(outcome->code));
    return OK;
}

int whk_webhook_auth_check_authz(request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

    if (webhook && webhook->is_overlooked)
        r->user = NULL;
    return DECLINED;
}

int whk_webhook_auth_check_authn(request_rec *r)
{
    const whk_verification_t *verification;

    if (!has_our_auth_type(r))
        return DECLINED;
    verification = whk_verification_of(r);
    if (verification->outcome)
        return whk_webhook_auth_may_overlook(r, verification) && !is_destination(r)
                   ? overlook(r, verification->outcome)
                   : whk_webhook_stop(r, verification->outcome);
    if (is_destination(r))
        return whk_webhook_stop(
            r, whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED,
                          "nobody signed the bytes that would be copied here: send them"));
    whk_webhook_auth_set_user(r, verification);
    whk_webhook_environment_set_signer(r, verification);
    return OK;
}

static authz_status check_valid(request_rec *r, const char *line, const void *parsed)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_of(r);

    (void)line;
    (void)parsed;
    if (webhook->is_overlooked)
        return AUTHZ_GRANTED;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    /* Its own: what was verified before a redirect was so by another location's rules. */
    return webhook->verification && !webhook->verification->outcome ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static const char *parse_valid(cmd_parms *cmd, const char *line, const void **parsed)
{
    (void)cmd;
    (void)parsed;
    if (*line)
        return "Require valid-webhook takes no arguments";
    return NULL;
}

const authz_provider whk_webhook_authz_provider = {check_valid, parse_valid};

int whk_webhook_auth_granted_access(const request_rec *r)
{
    const char *note = apr_table_get(r->notes, ACCESS_NOTE);

    return note && !strcmp(note, ACCESS_GRANTED);
}

/* httpd does not ask again where a request has the configuration of the one that it was made of,
 * be that one refused as it may: an ErrorDocument is reached so. */
static int was_granted(request_rec *r)
{
    const request_rec *origin = r->prev && r->prev->per_dir_config == r->per_dir_config   ? r->prev
                                : r->main && r->main->per_dir_config == r->per_dir_config ? r->main
                                                                                          : NULL;

    return whk_webhook_request_of(r)->access_checked ||
           (origin && whk_webhook_auth_granted_access(origin));
}

int whk_webhook_auth_fixups(request_rec *r)
{
    const whk_verification_t *verification =
        r->prev || r->main ? whk_verification_inherited(r) : NULL;

    /* Whoever comes here was let pass, or not asked. */
    if (whk_webhook_auth_is_required(r))
        apr_table_setn(r->notes, ACCESS_NOTE, was_granted(r) ? ACCESS_GRANTED : "not asked");
    if (verification)
        whk_webhook_environment_set_signer(r, verification);
    return DECLINED;
}
