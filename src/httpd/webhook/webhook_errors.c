/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_errors.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/request_stop.h"
#include "httpd/webhook/response.h"
#include "httpd/webhook/webhook_environment.h"
#include "httpd/webhook/webhook_request.h"
#include "scheme/accept_signature.h"

static int status_of(const whk_outcome_t *outcome)
{
    int status = whk_code_status(outcome->code);

    return status >= 500 || status == HTTP_REQUEST_ENTITY_TOO_LARGE ||
                   outcome->code == WHK_INVALID_REQUEST
               ? status
               : HTTP_UNAUTHORIZED;
}

/* mod_dir and others answer the request itself with the status of a subrequest. */
static void note_for_initial_request(request_rec *r, const whk_error_t *error)
{
    request_rec *initial = whk_initial_request(r);
    whk_error_t *noted = &whk_webhook_request_of(initial)->subrequest_error;

    noted->outcome = whk_outcome_copy(initial->pool, error->outcome);
    noted->status = error->status;
    noted->challenge = apr_pstrdup(initial->pool, error->challenge);
    noted->accept_signature = apr_pstrdup(initial->pool, error->accept_signature);
}

/* What to sign, and how, for whoever was not let in (RFC 9421, section 5). */
static const char *accept_signature(request_rec *r)
{
    const whk_config_t *config = whk_config_of(r);

    if (config->signature.scheme != &whk_scheme_http_signature)
        return NULL;
    return whk_accept_signature(config->required_components, config->signature_tag,
                                ap_request_has_body(whk_initial_request(r)), r->pool);
}

int whk_webhook_stop(request_rec *r, const whk_outcome_t *outcome)
{
    whk_error_t *error = &whk_request_of(r)->error;
    const char *realm = ap_auth_name(r);

    whk_webhook_environment_unset_signer(r, whk_code_name(outcome->code));
    error->challenge = apr_psprintf(r->pool, WHK_WEBHOOK_AUTH_TYPE " realm=\"%s\"",
                                    ap_escape_quotes(r->pool, realm ? realm : "webhooks"));
    whk_webhook_request_of(r)->is_stopped = 1;
    whk_error_response_disable_error_documents(r);
    whk_request_stop_at(r, WHK_DOOR_WEBHOOK, outcome, outcome);
    error->status = status_of(outcome);
    if (error->status == HTTP_UNAUTHORIZED)
        error->accept_signature = accept_signature(r);
    if (r->main)
        note_for_initial_request(r, error);
    return error->status;
}

/* What is wrong with an answer repeats words of it, and who asked can't mend it: so that is for the
 * log, and the code alone for him. */
static const whk_outcome_t *told_of(request_rec *r, const whk_outcome_t *outcome)
{
    whk_outcome_t *told;

    if (outcome->operator_hint)
        return outcome;
    told = apr_pmemdup(r->pool, outcome, sizeof(*outcome));
    told->message = apr_psprintf(r->pool,
                                 "the answer was not passed on (%s): the operator of this server "
                                 "finds the reason in the log, by the requestId",
                                 whk_code_name(outcome->code));
    return told;
}

int whk_webhook_stop_answer(request_rec *r, const whk_outcome_t *outcome)
{
    whk_error_t *error = &whk_request_of(r)->error;
    const whk_response_t *response = whk_webhook_request_of(r)->response;
    int status = whk_code_status(outcome->code);

    error->challenge = NULL;
    if (response)
        whk_request_of(r)->enterprise_id = response->enterprise_id;
    whk_webhook_request_of(r)->is_stopped = 1;
    whk_error_response_disable_error_documents(r);
    whk_request_stop_at(r, WHK_DOOR_ANSWER, outcome, told_of(r, outcome));
    error->status = status >= HTTP_INTERNAL_SERVER_ERROR ? status : HTTP_BAD_GATEWAY;
    return error->status;
}

/* Itself, or by the status of a subrequest that was, which httpd answers with. */
static int is_stopped(request_rec *r)
{
    whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

    if (!webhook || webhook->is_stopped)
        return webhook != NULL;
    if (!webhook->subrequest_error.outcome || webhook->subrequest_error.status != r->status)
        return 0;
    webhook->is_stopped = 1;
    whk_request_of(r)->error = webhook->subrequest_error;
    whk_request_of(r)->door = WHK_DOOR_WEBHOOK;
    return 1;
}

void whk_webhook_errors_insert_error_filter(request_rec *r)
{
    /* In a location of the API all errors are answered as its own. */
    if (r->status >= HTTP_BAD_REQUEST && is_stopped(r) && !whk_config_is_ours(r))
        whk_error_response_insert_filter(r, whk_request_of(r)->error.outcome);
}
