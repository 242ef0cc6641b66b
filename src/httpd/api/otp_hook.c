/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/otp_hook.h"

#include <httpd.h>

#include <apr_hooks.h>
#include <apr_strings.h>
#include <http_config.h>

#include "httpd/api/api_request.h"
#include "httpd/api/idempotency_hook.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"
#include "httpd/server_state.h"
#include "model/log_number.h"
#include "registry/totp_check.h"

APR_HOOK_STRUCT(APR_HOOK_LINK(check_otp))

APR_IMPLEMENT_EXTERNAL_HOOK_RUN_FIRST(whk, WHK, int, check_otp,
                                      (request_rec * r, const char *enterprise_id, const char *user,
                                       const char *code),
                                      (r, enterprise_id, user, code), DECLINED)

/* RFC 9470: what tells a client that its token was good but a step is missing. */
#define CHALLENGE "Bearer error=\"insufficient_user_authentication\""

static int check_totp(request_rec *r, const char *enterprise_id, const char *user, const char *code)
{
    const whk_secret_key_t *key = whk_server_of(r->server)->secret_key;
    const whk_outcome_t *outcome;

    (void)enterprise_id;
    (void)user;
    if (!key)
        outcome = whk_fail(
            r->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0413) "no one-time password can be checked: WebhookKeysSecretKeyFile is "
                            "missing from the configuration of this server");
    else
        outcome = whk_totp_check(whk_request_registry(r), key, whk_api_request_of(r)->caller, code);
    return outcome ? whk_request_stop(r, outcome) : OK;
}

const whk_otp_provider_t whk_totp_provider = {check_totp};

static int run_provider(request_rec *r, const whk_caller_t *caller, const char *code)
{
    const char *name = whk_config_of(r)->otp_provider;
    const whk_otp_provider_t *provider =
        ap_lookup_provider(WHK_OTP_PROVIDER_GROUP, name, WHK_OTP_PROVIDER_VERSION);

    if (!provider)
        return whk_request_stop(
            r, whk_fail(
                   r->pool, WHK_INTERNAL_ERROR,
                   WHK_LOGNO(0414) "WebhookKeysOTPProvider is \"%s\", and no module provides that",
                   name));
    return provider->check(r, whk_caller_enterprise(caller), whk_caller_actor(caller), code);
}

/* Who locks a user and does not say for how long, by a Retry-After, has clients wait a step. */
#define RETRY_AFTER 30

static const whk_outcome_t *locked(request_rec *r)
{
    whk_outcome_t *outcome = apr_pmemdup(
        r->pool, whk_refuse(r->pool, WHK_OTP_LOCKED, "%s", whk_code_message(WHK_OTP_LOCKED)),
        sizeof(*outcome));

    if (!apr_table_get(r->err_headers_out, "Retry-After"))
        outcome->retry_after = RETRY_AFTER;
    return outcome;
}

/* The answer for a check by somebody else, who left no outcome of ours. */
static int stop_with_status(request_rec *r, int status)
{
    switch (status) {
    case HTTP_UNAUTHORIZED:
        return whk_request_stop(
            r, whk_refuse(r->pool, WHK_OTP_INVALID, "%s", whk_code_message(WHK_OTP_INVALID)));
    case HTTP_TOO_MANY_REQUESTS:
        return whk_request_stop(r, locked(r));
    default:
        return whk_request_stop(
            r,
            whk_fail(r->pool, WHK_INTERNAL_ERROR,
                     WHK_LOGNO(0415) "the check of the one-time password ended with %d", status));
    }
}

static int check_code(request_rec *r, whk_caller_t *caller, const char *code)
{
    whk_error_t *error = &whk_request_of(r)->error;
    int status =
        whk_run_check_otp(r, whk_caller_enterprise(caller), whk_caller_actor(caller), code);

    if (status == DECLINED)
        status = run_provider(r, caller, code);
    if (status == OK && !error->outcome) {
        error->challenge = NULL;
        whk_caller_complete(caller);
        return OK;
    }
    return error->outcome ? whk_code_status(error->outcome->code) : stop_with_status(r, status);
}

int whk_otp_hook_fixups(request_rec *r)
{
    whk_caller_t *caller;
    const char *header;
    const char *code;
    int status;

    if (!whk_config_is_ours(r))
        return DECLINED;
    caller = whk_api_request_of(r)->caller;
    /* Without an authorised caller there is nobody to check: the handler will refuse. */
    if (!caller || !whk_route_needs_otp(whk_api_request_route(r)->resource, r->method_number))
        return DECLINED;
    status = whk_idempotency_hook_find(r);
    if (status != DECLINED)
        return status == OK ? DECLINED : status;
    whk_request_of(r)->error.challenge = CHALLENGE;
    header = whk_config_of(r)->otp_header;
    code = apr_table_get(r->headers_in, header);
    if (!code || !*code)
        return whk_request_stop(
            r, whk_refuse(r->pool, WHK_OTP_REQUIRED,
                          "a one-time password is missing: send the code that the authenticator "
                          "shows as the header %s",
                          header));
    return check_code(r, caller, code);
}
