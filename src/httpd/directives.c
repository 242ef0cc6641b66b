/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/directives.h"

#include <stddef.h>
#include <stdlib.h>

#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/other_directives.h"
#include "httpd/rollout.h"
#include "metrics/enterprise_counts.h"
#include "model/log_number.h"
#include "registry/revision_table.h"

APLOG_USE_MODULE(webhook_keys);

static const char *set_directive(cmd_parms *cmd, void *config, int argc, char *const argv[]);

/* Contexts: the places that httpd lets a directive stand in, without those of
 * ap_check_cmd_context(). None of ours may stand in .htaccess. */
#define GLOBAL RSRC_CONF, GLOBAL_ONLY
#define SERVER RSRC_CONF, 0
#define ANYWHERE RSRC_CONF | ACCESS_CONF, 0

#define BETWEEN(least, most) .min = (least), .max = (most)
#define SECONDS(number) ((number) * (apr_int64_t)1000)
#define HOURS(number) SECONDS((number) * (apr_int64_t)3600)

/* Name, context, type of the value (directive_values.h), member of whk_config_t, default, help;
 * then by their names the other members of whk_directive_t that it has. */
#define DIRECTIVE(name, context, ...) ROW(name, context, __VA_ARGS__)
#define ROW(name, override, forbidden, value, field, text, help, ...)                              \
    AP_INIT_TAKE_ARGV(                                                                             \
        name, set_directive,                                                                       \
        ((void *)&(const whk_directive_t){.type = &whk_value_##value,                              \
                                          .member = #field,                                        \
                                          .offset = offsetof(whk_config_t, field),                 \
                                          .size = sizeof(((whk_config_t *)NULL)->field),           \
                                          .default_text = text,                                    \
                                          .not_in = forbidden,                                     \
                                          __VA_ARGS__}),                                           \
        override, help)

/* NOLINTBEGIN(bugprone-sizeof-expression): some members are pointers, and merged as such */
const command_rec whk_directives[] = {
    /* The API. */
    DIRECTIVE("WebhookKeysMaxBody", ANYWHERE, bytes, max_body, "65536",
              "most bytes in the body of a request to the API", BETWEEN(1024, 1048576)),
    DIRECTIVE("WebhookKeysMaxActive", ANYWHERE, number, policy.max_active, "100",
              "most ACTIVE keys of one enterprise", BETWEEN(1, 10000)),
    DIRECTIVE("WebhookKeysAlgorithms", ANYWHERE, algorithms, policy.algorithms,
              "EdDSA ES256 ES384 ES512", "the JWS algorithms whose keys may be registered"),
    DIRECTIVE("WebhookKeysOTPHeader", ANYWHERE, header_name, otp_header, "OTP",
              "header field that holds the one-time password"),
    DIRECTIVE("WebhookKeysOTPProvider", ANYWHERE, otp_provider, otp_provider, "totp",
              "who checks one-time passwords"),
    DIRECTIVE("WebhookKeysTokenQuery", ANYWHERE, query, policy.token_query, NULL,
              "query of the user of a token, over a table of your own", BETWEEN(1, 1)),
    DIRECTIVE("WebhookKeysAdminQuery", ANYWHERE, query, policy.admin_query, NULL,
              "query of who is an enterprise's admin, over a table of your own", BETWEEN(2, 2)),
    DIRECTIVE("WebhookKeysOTPSecretQuery", ANYWHERE, query, policy.otp_secret_query, NULL,
              "query of a user's secret for one-time passwords, over a table of your own",
              BETWEEN(1, 1)),
    DIRECTIVE("WebhookKeysSecretKeyFile", SERVER, path, secret_key_file, NULL,
              "file of the key that seals the registry"),
    DIRECTIVE("WebhookKeysJwksMaxAge", ANYWHERE, number, jwks_max_age, "300",
              "how long a backend may keep jwks.json, in seconds", BETWEEN(0, 86400)),
    DIRECTIVE("WebhookKeysOpenAPI", ANYWHERE, flag, openapi, "Off",
              "whether openapi.json describes the API to whoever asks"),

    /* Keys by jwksUri. */
    DIRECTIVE("WebhookKeysJwksUriAllow", SERVER, allow_list, jwks_uri_allow, NULL,
              "addresses and hosts that a jwksUri may lead to all the same"),
    DIRECTIVE("WebhookKeysJwksUriPin", ANYWHERE, flag, policy.jwks_uri_pin, "On",
              "whether a key by jwksUri stays the key that was registered"),
    DIRECTIVE("WebhookKeysJwksUriFollow", SERVER, flag, policy.jwks_uri_follow, "Off",
              "whether a key may stand for all keys of a set by URI, also those to come"),
    DIRECTIVE("WebhookKeysJwksUriRefresh", SERVER, time, policy.jwks_uri_refresh, "300",
              "longest time between two fetches of a key set by URI",
              BETWEEN(SECONDS(1), HOURS(24))),
    DIRECTIVE("WebhookKeysJwksUriTimeout", SERVER, time, jwks_uri_timeout, "5",
              "longest time that the fetch of a jwksUri takes", BETWEEN(100, SECONDS(60))),
    DIRECTIVE("WebhookKeysCAFile", SERVER, path, ca_file, NULL,
              "certificate authorities for jwksUris, instead of the system's"),
    DIRECTIVE("WebhookKeysProxy", SERVER, proxy, proxy, NULL,
              "egress proxy through which jwksUris are fetched"),
    DIRECTIVE("WebhookKeysMaxFetches", GLOBAL, number, max_fetches, NULL,
              "most fetches of jwksUris at once", BETWEEN(2, 10000)),

    /* Locations of webhooks. */
    DIRECTIVE("WebhookKeysEnterprise", ANYWHERE, expression, enterprise, NULL,
              "expression that tells whose webhooks arrive here"),
    DIRECTIVE("WebhookKeysSignature", ANYWHERE, signature, signature, NULL,
              "how webhooks are signed, and in which header",
              .update_server = whk_server_update_verifies),
    DIRECTIVE("WebhookKeysBodyHashClaim", ANYWHERE, claim, body_hash_claim, "request_body_sha256",
              "claim of a JWT that holds the body's SHA-256"),
    DIRECTIVE("WebhookKeysRequiredComponents", ANYWHERE, components, required_components, NULL,
              "what an HTTP message signature must cover"),
    DIRECTIVE("WebhookKeysSignatureTag", ANYWHERE, text, signature_tag, NULL,
              "tag of the HTTP message signature that counts"),
    DIRECTIVE("WebhookKeysAudience", ANYWHERE, texts, audiences, NULL,
              "names of this service, one of which a JWT's aud must hold"),
    DIRECTIVE("WebhookKeysIssuer", ANYWHERE, text, issuer, NULL, "what a JWT's iss must be"),
    DIRECTIVE("WebhookKeysRequireTime", ANYWHERE, flag, require_time, "On",
              "whether a JWS must tell when it was made or when it ends"),
    DIRECTIVE("WebhookKeysMaxAge", ANYWHERE, time, max_age, "300",
              "longest time since a webhook was signed", BETWEEN(SECONDS(1), HOURS(24)),
              .update_server = whk_server_update_longest_max_age),
    DIRECTIVE("WebhookKeysClockSkew", ANYWHERE, time, clock_skew, "30",
              "how far the clocks of signers may differ", BETWEEN(0, HOURS(1)),
              .update_server = whk_server_update_longest_clock_skew),
    DIRECTIVE("WebhookKeysMaxWebhookBody", ANYWHERE, bytes, max_webhook_body, "1048576",
              "most bytes in the body of a webhook", BETWEEN(1024, 1073741824)),
    DIRECTIVE("WebhookKeysBackendHeaders", ANYWHERE, flag, backend_headers, "On",
              "whether a handler is told in header fields who signed"),
    DIRECTIVE("WebhookKeysEnforce", ANYWHERE, enforce, enforce, "On",
              "whether what is not signed as it must be is stopped",
              .update_server = whk_rollout_update_server),

    /* What goes out. */
    DIRECTIVE("WebhookKeysSign", ANYWHERE, sign, sign, NULL,
              "how what is sent from here is signed, and in which header",
              .update_server = whk_server_update_signs),
    DIRECTIVE("WebhookKeysSigningKey", SERVER, signing_key, signing_keys, NULL,
              "kid and file of a private key; the first signs, all are published"),

    /* Locations whose answers are signed. */
    DIRECTIVE("WebhookKeysResponse", ANYWHERE, response, response, NULL,
              "how answers are signed, and in which header",
              .update_server = whk_server_update_verifies),
    DIRECTIVE("WebhookKeysResponseClaim", ANYWHERE, response_claims, response_claims, NULL,
              "a claim of the answer, and the expression that it must be equal to"),
    DIRECTIVE("WebhookKeysResponseComponents", ANYWHERE, response_components, response_components,
              NULL, "what the HTTP message signature of an answer must cover"),
    DIRECTIVE("WebhookKeysResponseTimeout", ANYWHERE, time, response_timeout, "30",
              "longest time that an answer takes, all of it", BETWEEN(100, HOURS(1))),

    /* What a node knows. */
    DIRECTIVE("WebhookKeysRevocationLag", SERVER, time, revocation_lag, "1",
              "longest time until a change on another node is known here",
              BETWEEN(300, SECONDS(60))),
    DIRECTIVE("WebhookKeysMaxStale", SERVER, time, max_stale, "60",
              "how long known keys serve while the store is away", BETWEEN(0, HOURS(24))),
    DIRECTIVE("WebhookKeysCacheSize", GLOBAL, bytes, cache_size, "25165824",
              "bytes of keys that each process keeps at hand", BETWEEN(1048576, 68719476736)),
    DIRECTIVE("WebhookKeysMaxEnterprises", GLOBAL, number, max_enterprises, "4000000",
              "how many enterprises a node can know of", BETWEEN(1000, WHK_REVISIONS_MOST)),
    DIRECTIVE("WebhookKeysReplayCache", GLOBAL, replay_cache, replay_cache, NULL,
              "socache provider that remembers which webhooks were received"),
    DIRECTIVE("WebhookKeysReplayEntries", GLOBAL, number, replay_entries, "262144",
              "how many webhooks are remembered on this node", BETWEEN(1024, 16777216)),

    DIRECTIVE("WebhookKeysNotify", SERVER, texts, notify, NULL,
              "program that is told of events, and arguments of its own"),
    DIRECTIVE("WebhookKeysMetricsEnterprises", GLOBAL, number, metrics_enterprises, "0",
              "how many enterprises are counted by themselves",
              BETWEEN(0, WHK_ENTERPRISES_COUNTED_MOST)),

    WHK_OTHER_DIRECTIVES,
    {.name = NULL}};
/* NOLINTEND(bugprone-sizeof-expression) */

_Static_assert(sizeof(whk_directives) / sizeof(whk_directives[0]) <= WHK_DIRECTIVES_MAX,
               "each has a place in whk_config_t");

static const char *read_value(const whk_directive_t *directive, cmd_parms *cmd,
                              whk_config_t *config, int argc, char *const argv[])
{
    const whk_arguments_t given = {cmd, argc, argv, directive->min, directive->max};

    return directive->type->read(&given, (char *)config + directive->offset);
}

static const char *set_directive(cmd_parms *cmd, void *config_, int argc, char *const argv[])
{
    const whk_directive_t *directive = cmd->info;
    whk_config_t *config = config_;
    const char *flaw = ap_check_cmd_context(cmd, directive->not_in);
    const char *value = "";
    int i;

    if (flaw)
        return flaw;
    flaw = read_value(directive, cmd, config, argc, argv);
    if (!flaw) {
        config->set[cmd->cmd - whk_directives] = 1;
        if (directive->update_server)
            directive->update_server(
                ap_get_module_config(cmd->server->module_config, &webhook_keys_module),
                (char *)config + directive->offset);
        return NULL;
    }
    for (i = 0; i < argc; i++)
        value = apr_pstrcat(cmd->pool, value, i ? " " : "", argv[i], NULL);
    return apr_psprintf(cmd->pool, "%s is \"%s\", but %s", cmd->cmd->name, value, flaw);
}

/* A default that its own type refuses is ours to mend: then no httpd starts, in no test either. */
static void set_default(const command_rec *command, whk_config_t *config, apr_pool_t *pool)
{
    const whk_directive_t *directive = command->cmd_data;
    const char *text = directive->default_text;
    ap_directive_t line = {.directive = command->name, .args = text, .filename = "its default"};
    cmd_parms parms = {.info = command->cmd_data,
                       .cmd = command,
                       .directive = &line,
                       .pool = pool,
                       .temp_pool = pool};
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(char *));
    const char *flaw;

    while (*text)
        APR_ARRAY_PUSH(words, char *) = ap_getword_conf(pool, &text);
    flaw = read_value(directive, &parms, config, words->nelts, (char *const *)words->elts);
    if (!flaw)
        return;
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, NULL,
                 WHK_LOGNO(0010) "the default of %s is \"%s\", but %s", command->name,
                 directive->default_text, flaw);
    abort();
}

void *whk_config_create(apr_pool_t *pool, char *dir)
{
    whk_config_t *config = apr_pcalloc(pool, sizeof(*config));
    const command_rec *each;

    /* Only a server's own configuration lies under all others, so only it needs the defaults. */
    for (each = whk_directives; !dir && each->name; each++) {
        const whk_directive_t *directive = each->cmd_data;

        if (directive && directive->default_text)
            set_default(each, config, pool);
    }
    return config;
}

void *whk_config_merge(apr_pool_t *pool, void *base, void *over_)
{
    const whk_config_t *over = over_;
    whk_config_t *merged = apr_pmemdup(pool, base, sizeof(*merged));
    int i;

    for (i = 0; whk_directives[i].name; i++) {
        const whk_directive_t *directive = whk_directives[i].cmd_data;

        if (!over->set[i])
            continue;
        merged->set[i] = 1;
        if (directive->type->merge) {
            directive->type->merge(pool, (char *)merged + directive->offset,
                                   (const char *)over + directive->offset);
            continue;
        }
        memcpy((char *)merged + directive->offset, (const char *)over + directive->offset,
               directive->size);
    }
    whk_requirements_merge(merged, over);
    return merged;
}
