/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/request_verification.h"

#include <apr_strings.h>

#include "httpd/body.h"
#include "httpd/request.h"
#include "httpd/server_state.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/verification_metrics.h"
#include "httpd/webhook/webhook_message.h"
#include "httpd/webhook/webhook_request.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "model/name.h"

/* What the initial request holds for all of its chain. */
static whk_webhook_request_t *chain_of(request_rec *initial)
{
    whk_webhook_request_t *webhook = whk_webhook_request_of(initial);

    if (!webhook->verifications) {
        webhook->verifications = apr_array_make(initial->pool, 1, sizeof(whk_verification_t *));
        webhook->headers = initial->headers_in;
    }
    return webhook;
}

/* An empty name is the operator's slip: the expression gave nothing, as of a variable that is not
 * set. Any other is what the sender asked for. */
const whk_outcome_t *whk_enterprise_of(request_rec *r, const whk_config_t *config,
                                       const char **enterprise_id, apr_pool_t *pool)
{
    const char *error = NULL;

    *enterprise_id = ap_expr_str_exec(r, config->enterprise, &error);
    if (error)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0451) "WebhookKeysEnterprise can't be evaluated for %s: %s",
                        r->uri, error);
    if (!**enterprise_id)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0452) "WebhookKeysEnterprise gives nothing for %s: see the names "
                                        "of variables in its expression, which are those of named "
                                        "groups with MATCH_ before them, in capitals",
                        r->uri);
    if (whk_enterprise_id_flaw(*enterprise_id, strlen(*enterprise_id)))
        return whk_refuse(pool, WHK_UNKNOWN_KEY, "this path names no enterprise");
    return NULL;
}

static const whk_outcome_t *check_configuration(request_rec *r, const whk_config_t *config,
                                                apr_pool_t *pool)
{
    if (config->enterprise && config->signature.scheme && whk_server_of(r->server)->key_cache)
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0453) "AuthType WebhookSignature at %s needs %s", r->uri,
                    !config->enterprise         ? "WebhookKeysEnterprise: set it to whose webhooks "
                                                  "arrive there"
                    : !config->signature.scheme ? "WebhookKeysSignature: set it to the scheme by "
                                                  "which they are signed"
                                                : "keys: see what this process logged when it "
                                                  "started");
}

/* Without the header there is nothing to be verified, so the body need not even be sent. */
static const whk_outcome_t *read_body(request_rec *initial, const whk_config_t *config,
                                      const whk_captured_body_t **body)
{
    const char *own = config->signature.scheme->own_header;
    const char *header = own ? own : config->signature.header;

    *body = NULL;
    if (header && !apr_table_get(chain_of(initial)->headers, header))
        return NULL;
    /* What goes on all the same is not touched. */
    if (config->enforce.rollout && whk_body_announces_more(initial, config->max_webhook_body))
        return whk_refuse(initial->pool, WHK_BODY_TOO_LARGE,
                          "the body may have at most %" APR_INT64_T_FMT " bytes",
                          config->max_webhook_body);
    return whk_captured_body_read(initial, config->max_webhook_body, body);
}

static const whk_outcome_t *parse(request_rec *initial, const whk_config_t *config,
                                  const whk_captured_body_t *body, whk_signed_message_t **message)
{
    const whk_scheme_policy_t policy = {config->signature.header,    config->body_hash_claim,
                                        config->required_components, config->signature_tag,
                                        config->audiences,           config->issuer,
                                        !config->require_time,       1};
    whk_message_t *described = apr_palloc(initial->pool, sizeof(*described));

    whk_webhook_message(initial, chain_of(initial)->headers, body, described);
    return config->signature.scheme->parse(message, described, &policy, initial->pool);
}

/* Of several signatures the first. */
static const char *claimed_key_id(const whk_signed_message_t *message)
{
    if (!message->kid && message->kids && message->kids->nelts)
        return APR_ARRAY_IDX(message->kids, 0, const char *);
    return message->kid;
}

static const whk_outcome_t *judge(request_rec *initial, const whk_captured_body_t *body,
                                  whk_verification_t *verification)
{
    const whk_config_t *config = &verification->rules;
    const whk_webhook_times_t times = {config->max_age, config->clock_skew};
    whk_registry_t registry = *whk_request_registry(initial);
    whk_signed_message_t *message;

    registry.policy = &config->policy;
    WHK_TRY(parse(initial, config, body, &message));
    verification->claimed_key_id = claimed_key_id(message);
    WHK_TRY(whk_webhook_verify(&registry, whk_server_of(initial->server)->key_cache,
                               verification->enterprise_id, message, &times,
                               &verification->webhook));
    verification->replay_ids = message->replay_ids;
    verification->good_until = whk_replay_cache_expiry(message->signed_at, message->expires);
    return NULL;
}

static const whk_outcome_t *verify(request_rec *initial, whk_verification_t *verification)
{
    const whk_captured_body_t *body;
    const whk_outcome_t *outcome = read_body(initial, &verification->rules, &body);
    apr_time_t began = whk_clock_now();

    if (!outcome)
        outcome = judge(initial, body, verification);
    whk_verification_count(verification->rules.signature.scheme, verification->enterprise_id,
                           outcome, began);
    return outcome;
}

static whk_verification_t *add(request_rec *initial, const whk_config_t *config,
                               const char *enterprise_id)
{
    whk_verification_t *verification = apr_pcalloc(initial->pool, sizeof(*verification));

    memcpy(&verification->rules, config, sizeof(*config));
    verification->enterprise_id = apr_pstrdup(initial->pool, enterprise_id);
    APR_ARRAY_PUSH(chain_of(initial)->verifications, whk_verification_t *) = verification;
    return verification;
}

/* By the rules' content: those that httpd merges for a subrequest end with it, and their memory
 * may be another's by now. What they point to is the configuration's. */
static whk_verification_t *find(request_rec *initial, const whk_config_t *config,
                                const char *enterprise_id)
{
    const apr_array_header_t *list = chain_of(initial)->verifications;
    int i;

    for (i = 0; i < list->nelts; i++) {
        whk_verification_t *verification = APR_ARRAY_IDX(list, i, whk_verification_t *);

        /* NOLINTNEXTLINE: where padding alone differs, the same is verified once more */
        if (!memcmp(&verification->rules, config, sizeof(*config)) && verification->enterprise_id &&
            !strcmp(verification->enterprise_id, enterprise_id))
            return verification;
    }
    return NULL;
}

whk_verification_t *whk_verification_of(request_rec *r)
{
    const whk_config_t *config = whk_config_of(r);
    request_rec *initial = whk_initial_request(r);
    const char *enterprise_id = NULL;
    const whk_outcome_t *flaw = check_configuration(r, config, initial->pool);
    whk_verification_t *verification;
    int is_unconfigured = flaw != NULL;

    if (!flaw)
        flaw = whk_enterprise_of(r, config, &enterprise_id, initial->pool);
    verification = flaw ? NULL : find(initial, config, enterprise_id);
    if (!verification) {
        verification = add(initial, config, enterprise_id);
        verification->outcome = flaw ? flaw : verify(initial, verification);
        verification->is_unconfigured = is_unconfigured;
    }
    whk_webhook_request_of(r)->verification = verification;
    whk_request_of(r)->enterprise_id = verification->enterprise_id;
    whk_request_of(r)->claimed_key_id = verification->claimed_key_id;
    return verification;
}

int whk_verification_was_made(request_rec *r)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(whk_initial_request(r));

    return webhook && webhook->verifications;
}

whk_verification_t *whk_verification_nearest(const request_rec *r)
{
    for (; r; r = r->main ? r->main : r->prev) {
        const whk_webhook_request_t *webhook = whk_webhook_request_if_any(r);

        if (webhook && webhook->verification)
            return webhook->verification;
    }
    return NULL;
}

const whk_verification_t *whk_verification_inherited(const request_rec *r)
{
    const whk_verification_t *nearest = whk_verification_nearest(r);

    return nearest && !nearest->outcome ? nearest : NULL;
}
