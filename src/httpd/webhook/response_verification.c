/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_verification.h"

#include <apr_strings.h>

#include "httpd/request.h"
#include "httpd/server_state.h"
#include "httpd/webhook/replay_cache.h"
#include "httpd/webhook/sent_request.h"
#include "httpd/webhook/verification_metrics.h"
#include "model/clock.h"
#include "scheme/signed_message_claims.h"

static int add_value(void *values, const char *name, const char *value)
{
    (void)name;
    APR_ARRAY_PUSH((apr_array_header_t *)values, const char *) = value;
    return 1;
}

/* As it would leave: what handlers say beside the header is added by httpd. */
static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *pool)
{
    const request_rec *r = baton;
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(const char *));

    apr_table_do(add_value, values, r->headers_out, name, NULL);
    apr_table_do(add_value, values, r->err_headers_out, name, NULL);
    if (!values->nelts && r->content_type && !ap_cstr_casecmp(name, "Content-Type"))
        APR_ARRAY_PUSH(values, const char *) = r->content_type;
    if (!values->nelts && r->content_encoding && !ap_cstr_casecmp(name, "Content-Encoding"))
        APR_ARRAY_PUSH(values, const char *) = r->content_encoding;
    return values;
}

static const whk_outcome_t *parse(request_rec *r, const whk_response_t *response, const char *body,
                                  apr_size_t length, whk_signed_message_t **parsed)
{
    const whk_config_t *rules = &response->rules;
    const whk_scheme_policy_t policy = {rules->response.header,     rules->body_hash_claim,
                                        rules->response_components, rules->signature_tag,
                                        rules->audiences,           rules->issuer,
                                        !rules->require_time,       1};
    whk_message_t *message = apr_pcalloc(r->pool, sizeof(*message));
    whk_message_t *request = apr_pcalloc(r->pool, sizeof(*request));

    whk_sent_request_message(response->sent, request);
    message->status = r->status;
    message->request = request;
    message->field = field;
    message->baton = r;
    message->body = body;
    message->length = length;
    return rules->response.scheme->parse(parsed, message, &policy, r->pool);
}

/* Apart from those of requests: an answer may repeat the jti of what it answers. */
static const whk_outcome_t *reserve_use(request_rec *r, const whk_response_t *response,
                                        const whk_signed_message_t *message)
{
    const apr_array_header_t *ids = message->replay_ids;
    apr_array_header_t *own = apr_array_make(r->pool, ids->nelts, sizeof(const char *));
    whk_replay_use_t *use = apr_pcalloc(r->pool, sizeof(*use));
    int i;

    if (!whk_config_of_server(r->server)->replay_cache)
        return NULL;
    for (i = 0; i < ids->nelts; i++)
        APR_ARRAY_PUSH(own, const char *) =
            apr_pstrcat(r->pool, "answer:", APR_ARRAY_IDX(ids, i, const char *), NULL);
    return whk_replay_cache_reserve(r, response->enterprise_id, own,
                                    whk_replay_cache_expiry(message->signed_at, message->expires),
                                    use);
}

/* Of HEAD nothing came that could be compared with what was signed; and a status that HTTP does not
 * have (RFC 9110, section 15) is read by each in his own way. */
static const whk_outcome_t *check_form(const request_rec *r)
{
    if (r->header_only)
        return whk_refuse(r->pool, WHK_SIGNATURE_MISSING, "an answer to HEAD can't be verified");
    if (r->status < HTTP_OK || r->status > 599)
        return whk_refuse(r->pool, WHK_MALFORMED_JWS, "the status is none of an answer");
    return NULL;
}

static const whk_outcome_t *judge(request_rec *r, const whk_response_t *response, const char *body,
                                  apr_size_t length, whk_webhook_t *signer)
{
    const whk_config_t *rules = &response->rules;
    const whk_webhook_times_t times = {rules->max_age, rules->clock_skew};
    whk_registry_t registry = *whk_request_registry(r);
    whk_signed_message_t *message;

    registry.policy = &rules->policy;
    WHK_TRY(check_form(r));
    WHK_TRY(parse(r, response, body, length, &message));
    WHK_TRY(whk_webhook_verify(&registry, whk_server_of(r->server)->key_cache,
                               response->enterprise_id, message, &times, signer));
    WHK_TRY(whk_signed_message_check_claims(message, response->claims, r->pool));
    return reserve_use(r, response, message);
}

const whk_outcome_t *whk_response_verify(request_rec *r, const whk_response_t *response,
                                         const char *body, apr_size_t length, whk_webhook_t *signer)
{
    apr_time_t began = whk_clock_now();
    const whk_outcome_t *outcome = judge(r, response, body, length, signer);

    whk_verification_count(response->rules.response.scheme, response->enterprise_id, outcome,
                           began);
    return outcome;
}
