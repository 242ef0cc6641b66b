#include "httpd/webhook.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/answer.h"
#include "httpd/captured_body.h"
#include "httpd/config.h"
#include "httpd/replay_cache.h"
#include "httpd/request.h"
#include "model/text.h"
#include "registry/webhook.h"

APLOG_USE_MODULE(webhook_keys);

#define AUTH_TYPE "WebhookSignature"

/* How long a message is remembered whose signature never ends. */
#define REMEMBER_UNDATED apr_time_from_sec(86400)

/* What was found of a request. */
struct whk_delivery_t {
    const char *enterprise_id;
    whk_captured_body_t *body; /* NULL: not read */
    whk_webhook_t webhook;
    int verified;
    whk_replay_use_t use;
};

/* That of this request or of the one that it was made of by a redirect or as a subrequest. */
static whk_delivery_t *nearest(const request_rec *r)
{
    for (; r; r = r->main ? r->main : r->prev) {
        const whk_request_t *request =
            ap_get_module_config(r->request_config, &webhook_keys_module);

        if (request && request->delivery)
            return request->delivery;
    }
    return NULL;
}

static int add_value(void *values, const char *name, const char *value)
{
    (void)name;
    APR_ARRAY_PUSH((apr_array_header_t *)values, const char *) = value;
    return 1;
}

static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *pool)
{
    const request_rec *r = baton;
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(const char *));

    apr_table_do(add_value, values, r->headers_in, name, NULL);
    return values;
}

/* RFC 9421, section 2.2.3. */
static const char *authority_of(request_rec *r)
{
    const char *host = apr_table_get(r->headers_in, "Host");
    const char *standard = strcmp(ap_http_scheme(r), "https") ? ":80" : ":443";
    char *authority = apr_pstrdup(r->pool, host ? host : r->hostname ? r->hostname : "");
    apr_size_t length = strlen(authority);

    ap_str_tolower(authority);
    if (length > strlen(standard) && !strcmp(authority + length - strlen(standard), standard))
        authority[length - strlen(standard)] = '\0';
    return authority;
}

/* The request target in origin form, without the scheme and authority of an absolute one. */
static const char *target_of(const request_rec *r)
{
    const char *target = r->unparsed_uri ? r->unparsed_uri : "/";
    const char *authority = *target == '/' ? NULL : ap_strstr_c(target, "://");
    const char *path = authority ? ap_strchr_c(authority + 3, '/') : NULL;

    return path ? path : target;
}

/* The first of the chain: the others were made by httpd. */
static request_rec *as_sent(request_rec *r)
{
    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return r;
}

static void describe(request_rec *r, const whk_captured_body_t *body, whk_message_t *message)
{
    request_rec *sent = as_sent(r);

    memset(message, 0, sizeof(*message));
    message->method = sent->method;
    message->scheme = ap_http_scheme(sent);
    message->authority = authority_of(sent);
    message->target = target_of(sent);
    message->field = field;
    message->baton = sent;
    message->body = body ? body->bytes : "";
    message->length = body ? body->length : 0;
}

static const whk_outcome_t *enterprise_of(request_rec *r, const whk_config_t *config,
                                          const char **enterprise_id)
{
    const char *error = NULL;

    *enterprise_id = ap_expr_str_exec(r, config->enterprise, &error);
    if (error)
        return whk_fail(r->pool, WHK_INTERNAL_ERROR, "WebhookKeysEnterprise can't be evaluated: %s",
                        error);
    if (whk_enterprise_id_flaw(*enterprise_id, strlen(*enterprise_id)))
        return whk_refuse(r->pool, WHK_UNKNOWN_KEY, "this path names no enterprise");
    return NULL;
}

static const whk_outcome_t *check_configuration(request_rec *r, const whk_config_t *config)
{
    if (config->enterprise && config->signature.scheme && whk_server_of(r->server)->keyring)
        return NULL;
    return whk_fail(r->pool, WHK_INTERNAL_ERROR, "AuthType " AUTH_TYPE " at %s needs %s", r->uri,
                    !config->enterprise         ? "WebhookKeysEnterprise: set it to whose webhooks "
                                                  "arrive there"
                    : !config->signature.scheme ? "WebhookKeysSignature: set it to the scheme by "
                                                  "which they are signed"
                                                : "keys: see what this process logged when it "
                                                  "started");
}

/* Without the header there is nothing to be verified, so the body need not even be sent. */
static int lacks_signature(request_rec *r, const whk_config_t *config)
{
    const char *header = config->signature.header;

    return header && !apr_table_get(r->headers_in, header);
}

static const whk_outcome_t *read_body(request_rec *r, const whk_config_t *config,
                                      whk_delivery_t *delivery)
{
    const whk_delivery_t *before = nearest(r);

    if (before && before->body) {
        delivery->body = before->body;
        return NULL;
    }
    if (r->main || lacks_signature(r, config))
        return NULL;
    return whk_captured_body_read(r, config->max_webhook_body, &delivery->body);
}

static const whk_outcome_t *parse(request_rec *r, const whk_config_t *config,
                                  const whk_delivery_t *delivery, whk_signed_message_t **message)
{
    const whk_scheme_policy_t policy = {config->signature.header,    config->body_hash_claim,
                                        config->required_components, config->signature_tag,
                                        config->audiences,           config->issuer,
                                        !config->require_time};
    whk_message_t *described = apr_palloc(r->pool, sizeof(*described));

    describe(r, delivery->body, described);
    return config->signature.scheme->parse(message, described, &policy, r->pool);
}

static apr_time_t good_until(const whk_signed_message_t *message, const whk_config_t *config)
{
    apr_time_t until = 0;

    if (message->signed_at)
        until = message->signed_at + config->max_age + config->clock_skew;
    if (message->expires && (!until || message->expires + config->clock_skew < until))
        until = message->expires + config->clock_skew;
    return (until ? until : apr_time_now() + REMEMBER_UNDATED) + apr_time_from_sec(1);
}

static const whk_outcome_t *reserve(request_rec *r, const whk_config_t *config,
                                    const whk_signed_message_t *message, whk_delivery_t *delivery)
{
    const whk_delivery_t *before = nearest(r);

    /* The same message, seen again after a redirect. */
    if (!whk_config_of_server(r->server)->replay_cache || (before && before->use.reserved))
        return NULL;
    return whk_replay_cache_reserve(r, delivery->enterprise_id, delivery->webhook.key_id,
                                    APR_ARRAY_IDX(message->replay_ids, 0, const char *),
                                    good_until(message, config), &delivery->use);
}

static const whk_outcome_t *verify(request_rec *r, const whk_config_t *config,
                                   whk_delivery_t *delivery)
{
    const whk_webhook_times_t times = {config->max_age, config->clock_skew};
    whk_signed_message_t *message;

    WHK_TRY(check_configuration(r, config));
    WHK_TRY(enterprise_of(r, config, &delivery->enterprise_id));
    WHK_TRY(read_body(r, config, delivery));
    WHK_TRY(parse(r, config, delivery, &message));
    WHK_TRY(whk_webhook_verify(whk_request_registry(r), whk_server_of(r->server)->keyring,
                               delivery->enterprise_id, message, &times, &delivery->webhook));
    return reserve(r, config, message, delivery);
}

static void tell_environment(request_rec *r, const whk_delivery_t *delivery)
{
    const whk_webhook_t *webhook = &delivery->webhook;

    apr_table_setn(r->subprocess_env, "WEBHOOK_ENTERPRISE", delivery->enterprise_id);
    apr_table_setn(r->subprocess_env, "WEBHOOK_KEY_ID", webhook->key_id);
    apr_table_setn(r->subprocess_env, "WEBHOOK_ALG", webhook->algorithm);
    if (webhook->signed_at)
        apr_table_setn(r->subprocess_env, "WEBHOOK_SIGNED_AT",
                       whk_time_format(r->pool, webhook->signed_at));
    else
        apr_table_unset(r->subprocess_env, "WEBHOOK_SIGNED_AT");
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

static int stop(request_rec *r, const whk_outcome_t *outcome)
{
    whk_request_t *request = whk_request_of(r);
    const char *realm = ap_auth_name(r);

    request->challenge = apr_psprintf(r->pool, AUTH_TYPE " realm=\"%s\"",
                                      ap_escape_quotes(r->pool, realm ? realm : "webhooks"));
    whk_answer_claim_errors(r);
    whk_request_stop(r, outcome);
    request->status = status_of(outcome);
    return request->status;
}

static whk_delivery_t *begin(request_rec *r)
{
    whk_delivery_t *delivery = apr_pcalloc(r->pool, sizeof(*delivery));

    apr_table_unset(r->subprocess_env, "WEBHOOK_ENTERPRISE");
    apr_table_unset(r->subprocess_env, "WEBHOOK_KEY_ID");
    apr_table_unset(r->subprocess_env, "WEBHOOK_ALG");
    apr_table_unset(r->subprocess_env, "WEBHOOK_SIGNED_AT");
    return delivery;
}

int whk_webhook_check(request_rec *r)
{
    const char *type = ap_auth_type(r);
    const whk_config_t *config;
    const whk_outcome_t *outcome;
    whk_delivery_t *delivery;

    if (!type || ap_cstr_casecmp(type, AUTH_TYPE))
        return DECLINED;
    config = whk_config_of(r);
    delivery = begin(r);
    outcome = verify(r, config, delivery);
    whk_request_of(r)->delivery = delivery;
    if (outcome)
        return stop(r, outcome);
    delivery->verified = 1;
    r->user = apr_pstrdup(r->pool, delivery->webhook.key_id);
    r->ap_auth_type = (char *)AUTH_TYPE;
    tell_environment(r, delivery);
    return OK;
}

static authz_status check_valid(request_rec *r, const char *line, const void *parsed)
{
    const whk_delivery_t *delivery;

    (void)line;
    (void)parsed;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    /* Its own: what was verified before a redirect was so by another location's rules. */
    delivery = whk_request_of(r)->delivery;
    return delivery && delivery->verified ? AUTHZ_GRANTED : AUTHZ_DENIED;
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
    const whk_delivery_t *delivery = r->prev || r->main ? nearest(r) : NULL;

    if (delivery && delivery->verified)
        tell_environment(r, delivery);
    return DECLINED;
}

static void give_back(request_rec *r)
{
    whk_request_t *request = ap_get_module_config(r->request_config, &webhook_keys_module);

    if (request && request->delivery)
        whk_replay_cache_give_back(r, &request->delivery->use);
}

int whk_webhook_end(request_rec *r)
{
    const request_rec *each;
    int failed = 0;

    for (each = r; each; each = each->next)
        failed |= each->status >= HTTP_INTERNAL_SERVER_ERROR;
    for (; failed && r; r = r->next)
        give_back(r);
    return DECLINED;
}
