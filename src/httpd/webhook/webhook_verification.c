/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_verification.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "httpd/request.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/webhook_message.h"
#include "model/name.h"

static ap_filter_rec_t *answering;

/* Of the request that a client sent. */
struct whk_verifications_t {
    apr_array_header_t *list; /* whk_verification_t * */
    apr_table_t *headers;     /* as they came; whoever changes them makes a copy first */
};

request_rec *whk_initial_request(request_rec *r)
{
    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return r;
}

static whk_verifications_t *verifications_of(request_rec *initial)
{
    whk_request_t *request = whk_request_of(initial);

    if (!request->verifications) {
        request->verifications = apr_palloc(initial->pool, sizeof(*request->verifications));
        request->verifications->list =
            apr_array_make(initial->pool, 1, sizeof(whk_verification_t *));
        request->verifications->headers = initial->headers_in;
    }
    return request->verifications;
}

/* An empty name is the operator's slip: the expression gave nothing, as of a variable that is not
 * set. Any other is what the sender asked for. */
static const whk_outcome_t *find_enterprise(request_rec *r, const whk_config_t *config,
                                            const char **enterprise_id, apr_pool_t *pool)
{
    const char *error = NULL;

    *enterprise_id = ap_expr_str_exec(r, config->enterprise, &error);
    if (error)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        "WebhookKeysEnterprise can't be evaluated for %s: %s", r->uri, error);
    if (!**enterprise_id)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        "WebhookKeysEnterprise gives nothing for %s: see the names of variables in "
                        "its expression, which are those of named groups with MATCH_ before them, "
                        "in capitals",
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
    return whk_fail(pool, WHK_INTERNAL_ERROR, "AuthType WebhookSignature at %s needs %s", r->uri,
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
    if (header && !apr_table_get(verifications_of(initial)->headers, header))
        return NULL;
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

    whk_webhook_message(initial, verifications_of(initial)->headers, body, described);
    return config->signature.scheme->parse(message, described, &policy, initial->pool);
}

static const whk_outcome_t *verify(request_rec *initial, whk_verification_t *verification)
{
    const whk_config_t *config = &verification->rules;
    const whk_webhook_times_t times = {config->max_age, config->clock_skew};
    whk_registry_t registry = *whk_request_registry(initial);
    const whk_captured_body_t *body;
    whk_signed_message_t *message;

    registry.policy = &config->policy;
    WHK_TRY(read_body(initial, config, &body));
    WHK_TRY(parse(initial, config, body, &message));
    WHK_TRY(whk_webhook_verify(&registry, whk_server_of(initial->server)->key_cache,
                               verification->enterprise_id, message, &times,
                               &verification->webhook));
    verification->replay_ids = message->replay_ids;
    verification->good_until = whk_replay_cache_expiry(message->signed_at, message->expires);
    return NULL;
}

static whk_verification_t *add(request_rec *initial, const whk_config_t *config,
                               const char *enterprise_id)
{
    whk_verification_t *verification = apr_pcalloc(initial->pool, sizeof(*verification));

    memcpy(&verification->rules, config, sizeof(*config));
    verification->enterprise_id = apr_pstrdup(initial->pool, enterprise_id);
    APR_ARRAY_PUSH(verifications_of(initial)->list, whk_verification_t *) = verification;
    return verification;
}

/* By the rules' content: those that httpd merges for a subrequest end with it, and their memory
 * may be another's by now. What they point to is the configuration's. */
static whk_verification_t *find(request_rec *initial, const whk_config_t *config,
                                const char *enterprise_id)
{
    const apr_array_header_t *list = verifications_of(initial)->list;
    int i;

    for (i = 0; i < list->nelts; i++) {
        whk_verification_t *verification = APR_ARRAY_IDX(list, i, whk_verification_t *);

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

    if (!flaw)
        flaw = find_enterprise(r, config, &enterprise_id, initial->pool);
    verification = flaw ? NULL : find(initial, config, enterprise_id);
    if (!verification) {
        verification = add(initial, config, enterprise_id);
        verification->outcome = flaw ? flaw : verify(initial, verification);
    }
    whk_request_of(r)->verification = verification;
    return verification;
}

static const whk_verifications_t *known_verifications(const request_rec *initial)
{
    const whk_request_t *request =
        ap_get_module_config(initial->request_config, &webhook_keys_module);

    return request ? request->verifications : NULL;
}

int whk_verification_was_asked(request_rec *r)
{
    return known_verifications(whk_initial_request(r)) != NULL;
}

const whk_verification_t *whk_verification_inherited(const request_rec *r)
{
    for (; r; r = r->main ? r->main : r->prev) {
        const whk_request_t *request =
            ap_get_module_config(r->request_config, &webhook_keys_module);

        if (request && request->verification)
            return request->verification->outcome ? NULL : request->verification;
    }
    return NULL;
}

static int is_among(const char *id, const apr_array_header_t *ids)
{
    int i;

    for (i = 0; i < ids->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(ids, i, const char *), id))
            return 1;
    return 0;
}

/* The same message, met again behind a redirect by other rules. */
static int is_used(request_rec *initial, const whk_verification_t *verification)
{
    const apr_array_header_t *list = verifications_of(initial)->list;
    int i;

    for (i = 0; i < list->nelts; i++) {
        const whk_verification_t *other = APR_ARRAY_IDX(list, i, const whk_verification_t *);

        if (other->use.reserved && !strcmp(other->enterprise_id, verification->enterprise_id) &&
            is_among(APR_ARRAY_IDX(verification->replay_ids, 0, const char *), other->replay_ids))
            return 1;
    }
    return 0;
}

static void give_back(request_rec *initial)
{
    const whk_verifications_t *verifications = known_verifications(initial);
    int i;

    for (i = 0; verifications && i < verifications->list->nelts; i++)
        whk_replay_cache_release(initial,
                                 &APR_ARRAY_IDX(verifications->list, i, whk_verification_t *)->use);
}

/* Before the sender can learn of the failure: his next try may come at once. */
static apr_status_t look_at_status(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    ap_filter_t *next = filter->next;

    if (filter->r->status >= HTTP_INTERNAL_SERVER_ERROR)
        give_back(whk_initial_request(filter->r));
    ap_remove_output_filter(filter);
    return ap_pass_brigade(next, brigade);
}

void whk_webhook_register_filter(void)
{
    answering =
        ap_register_output_filter("WEBHOOK_KEYS_ANSWER", look_at_status, NULL, AP_FTYPE_PROTOCOL);
}

const whk_outcome_t *whk_webhook_use(request_rec *r, whk_verification_t *verification)
{
    request_rec *initial = whk_initial_request(r);

    if (!whk_config_of_server(r->server)->replay_cache || is_used(initial, verification))
        return NULL;
    WHK_TRY(whk_replay_cache_reserve(initial, verification->enterprise_id, verification->replay_ids,
                                     verification->good_until, &verification->use));
    /* Among the protocol's filters, which an error of httpd's own keeps. */
    if (!r->main)
        ap_add_output_filter_handle(answering, NULL, r, r->connection);
    return NULL;
}

int whk_webhook_end(request_rec *r)
{
    const request_rec *each;
    int failed = 0;

    for (each = r; each; each = each->next)
        failed |= each->status >= HTTP_INTERNAL_SERVER_ERROR;
    if (failed)
        give_back(r);
    return DECLINED;
}
