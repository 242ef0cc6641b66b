/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config.h"

#include <httpd.h>

#include <stddef.h>

#include <ap_expr.h>
#include <ap_provider.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/config_notes.h"

APLOG_USE_MODULE(webhook_keys);

typedef struct row_t row_t;

struct row_t {
    const char *name;
    /** Reads the arguments into the field. NULL, or what would be right: "must be …". */
    const char *(*read)(cmd_parms *cmd, const row_t *row, void *field, int argc,
                        char *const argv[]);
    apr_size_t offset;
    apr_size_t size;
    apr_int64_t least;
    apr_int64_t most;
    const char *fallback;
};

#define FIELD(member) offsetof(whk_config_t, member), sizeof(((whk_config_t *)NULL)->member)

static const char *read_number(cmd_parms *cmd, const row_t *row, void *field, int argc,
                               char *const argv[])
{
    apr_int64_t number;
    char *end = NULL;

    if (argc == 1 && apr_isdigit(*argv[0])) {
        number = apr_strtoi64(argv[0], &end, 10);
        if (*end == '\0' && number >= row->least && number <= row->most) {
            if (row->size == sizeof(int))
                *(int *)field = (int)number;
            else
                *(apr_int64_t *)field = number;
            return NULL;
        }
    }
    return apr_psprintf(cmd->temp_pool,
                        "must be one whole number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT,
                        row->least, row->most);
}

static const char *read_algorithms(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                   char *const argv[])
{
    whk_algorithms_t set = 0;
    int i;

    (void)row;
    for (i = 0; i < argc; i++) {
        whk_algorithms_t algorithm = whk_algorithm_by_name(argv[i]);

        if (!algorithm || (set & algorithm)) {
            set = 0;
            break;
        }
        set |= algorithm;
    }
    if (!set)
        return apr_psprintf(cmd->temp_pool, "must be one or more of %s, each once",
                            whk_algorithms_names(cmd->temp_pool, ~0u));
    *(whk_algorithms_t *)field = set;
    return NULL;
}

static int is_header_name(const char *name)
{
    const char *c;

    for (c = name; *c; c++)
        if (!apr_isalnum(*c) && !strchr("!#$%&'*+-.^_`|~", *c))
            return 0;
    return c > name;
}

static const char *read_header_name(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                    char *const argv[])
{
    (void)row;
    if (argc != 1 || !is_header_name(argv[0]) || !ap_cstr_casecmp(argv[0], "Authorization"))
        return "must be the name of one header field, and not Authorization";
    *(const char **)field = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

static const char *read_otp_provider(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                     char *const argv[])
{
    (void)row;
    if (argc != 1 || !ap_lookup_provider(WHK_OTP_PROVIDER_GROUP, argv[0], WHK_OTP_PROVIDER_VERSION))
        return "must be the name of one OTP provider whose module is loaded before this line; totp "
               "is built in";
    *(const char **)field = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

static const char *read_file(cmd_parms *cmd, const row_t *row, void *field, int argc,
                             char *const argv[])
{
    const char *file = argc == 1 && *argv[0] ? ap_server_root_relative(cmd->pool, argv[0]) : NULL;

    (void)row;
    if (!file)
        return "must be the path of one file, absolute or relative to ServerRoot";
    *(const char **)field = file;
    return NULL;
}

static const char *read_flag(cmd_parms *cmd, const row_t *row, void *field, int argc,
                             char *const argv[])
{
    (void)cmd;
    (void)row;
    if (argc == 1 && !ap_cstr_casecmp(argv[0], "On"))
        *(int *)field = 1;
    else if (argc == 1 && !ap_cstr_casecmp(argv[0], "Off"))
        *(int *)field = 0;
    else
        return "must be On or Off";
    return NULL;
}

static const char *read_timeout(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                char *const argv[])
{
    apr_interval_time_t timeout = 0;

    if (argc == 1 && apr_isdigit(*argv[0]) &&
        ap_timeout_parameter_parse(argv[0], &timeout, "s") == APR_SUCCESS &&
        timeout >= apr_time_from_msec(row->least) && timeout <= apr_time_from_msec(row->most)) {
        *(apr_interval_time_t *)field = timeout;
        return NULL;
    }
    return apr_psprintf(cmd->temp_pool,
                        "must be one time from %" APR_INT64_T_FMT "ms to %" APR_INT64_T_FMT
                        "s, as 5 (seconds) or 1500ms",
                        row->least, row->most / 1000);
}

/* A line adds to those before it in the same section. */
static const char *read_allow(cmd_parms *cmd, const row_t *row, void *field, int argc,
                              char *const argv[])
{
    whk_allow_list_t **list = field;
    const char *flaw;
    int i;

    (void)row;
    if (!*list)
        *list = whk_allow_list_create(cmd->pool);
    for (i = 0; i < argc; i++) {
        flaw = whk_allow_list_add(*list, argv[i]);
        if (flaw)
            return apr_psprintf(cmd->temp_pool, "\"%s\" must %s", argv[i], flaw);
    }
    return argc ? NULL : "must be one or more address ranges or host names";
}

static const char *read_proxy(cmd_parms *cmd, const row_t *row, void *field, int argc,
                              char *const argv[])
{
    const char *flaw = argc == 1 ? whk_fetch_proxy_flaw(argv[0]) : "be one URL";

    (void)row;
    if (flaw)
        return apr_psprintf(cmd->temp_pool, "must %s", flaw);
    *(const char **)field = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

static const char *read_expression(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                   char *const argv[])
{
    const char *flaw = NULL;
    const ap_expr_info_t *expression = NULL;

    (void)row;
    if (argc == 1 && *argv[0])
        expression = ap_expr_parse_cmd(cmd, argv[0], AP_EXPR_FLAG_STRING_RESULT, &flaw, NULL);
    if (!expression)
        return apr_psprintf(cmd->temp_pool, "must be one string expression of httpd%s%s",
                            flaw ? ": " : "", flaw ? flaw : "");
    *(const ap_expr_info_t **)field = expression;
    return NULL;
}

static const char *read_signature(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                  char *const argv[])
{
    whk_server_t *server = ap_get_module_config(cmd->server->module_config, &webhook_keys_module);
    const whk_scheme_t *scheme = argc ? whk_scheme_by_name(argv[0]) : NULL;
    whk_signature_config_t *signature = field;

    (void)row;
    memset(signature, 0, sizeof(*signature));
    if (argc == 1 && !ap_cstr_casecmp(argv[0], "None"))
        return NULL;
    if (!scheme)
        return "must begin with one of jws, jws-detached, jwt, http-signature, standard-webhooks, "
               "or be None";
    if (scheme->takes_header && (argc != 2 || !is_header_name(argv[1])))
        return apr_psprintf(cmd->temp_pool, "must be %s and the name of one header field",
                            scheme->name);
    if (!scheme->takes_header && argc != 1)
        return apr_psprintf(cmd->temp_pool, "must be %s alone: it has its own place", scheme->name);
    signature->scheme = scheme;
    signature->header = argc == 2 ? apr_pstrdup(cmd->pool, argv[1]) : NULL;
    signature->in_section = cmd->path != NULL;
    server->verifies = 1;
    return NULL;
}

static const char *read_claim(cmd_parms *cmd, const row_t *row, void *field, int argc,
                              char *const argv[])
{
    (void)row;
    if (argc != 1 || !*argv[0])
        return "must be the name of one claim";
    *(const char **)field = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

static const char *read_text(cmd_parms *cmd, const row_t *row, void *field, int argc,
                             char *const argv[])
{
    (void)row;
    if (argc != 1 || !*argv[0])
        return "must be one text that is not empty";
    *(const char **)field = apr_pstrdup(cmd->pool, argv[0]);
    return NULL;
}

static const char *read_texts(cmd_parms *cmd, const row_t *row, void *field, int argc,
                              char *const argv[])
{
    apr_array_header_t *texts = apr_array_make(cmd->pool, argc, sizeof(const char *));
    int i;

    (void)row;
    for (i = 0; i < argc && *argv[i]; i++)
        APR_ARRAY_PUSH(texts, const char *) = apr_pstrdup(cmd->pool, argv[i]);
    *(const apr_array_header_t **)field = texts;
    return argc && i == argc ? NULL : "must be one or more texts that are not empty";
}

/* RFC 9421, section 2: a field in lower case, or one of the derived components of a request. Of a
 * name with other marks (x_event) a backend may take another field (x-event) for it. */
static int is_component(const char *name)
{
    static const char *const derived[] = {"@method",         "@target-uri", "@authority", "@scheme",
                                          "@request-target", "@path",       "@query"};
    const char *c;
    apr_size_t i;

    for (i = 0; i < sizeof(derived) / sizeof(derived[0]); i++)
        if (!strcmp(name, derived[i]))
            return 1;
    for (c = name; *c; c++)
        if (!apr_islower(*c) && !apr_isdigit(*c) && *c != '-')
            return 0;
    return c > name;
}

static const char *read_components(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                   char *const argv[])
{
    apr_array_header_t *components = apr_array_make(cmd->pool, argc, sizeof(const char *));
    int i;

    (void)row;
    for (i = 0; i < argc; i++) {
        if (!is_component(argv[i]))
            return apr_psprintf(cmd->temp_pool,
                                "\"%s\" must be the name of a header field in lower case (letters, "
                                "digits and hyphens), or "
                                "@method, @target-uri, @authority, @scheme, @request-target, "
                                "@path or @query",
                                argv[i]);
        APR_ARRAY_PUSH(components, const char *) = apr_pstrdup(cmd->pool, argv[i]);
    }
    *(const apr_array_header_t **)field = components;
    return argc ? NULL : "must be one or more components";
}

static const char *read_replay_cache(cmd_parms *cmd, const row_t *row, void *field, int argc,
                                     char *const argv[])
{
    whk_replay_provider_t *cache = apr_pcalloc(cmd->pool, sizeof(*cache));
    const char *colon = argc == 1 ? strchr(argv[0], ':') : NULL;
    const char *flaw = NULL;
    const char *name;

    (void)row;
    *(const whk_replay_provider_t **)field = NULL;
    if (argc != 1)
        return "must be Off, or one socache provider with its arguments, as shmcb or "
               "memcache:10.0.0.5:11211";
    if (!ap_cstr_casecmp(argv[0], "Off"))
        return NULL;
    name =
        apr_pstrmemdup(cmd->pool, argv[0], colon ? (apr_size_t)(colon - argv[0]) : strlen(argv[0]));
    cache->provider =
        ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
    if (!cache->provider)
        return apr_psprintf(cmd->temp_pool,
                            "must be a socache provider whose module is loaded before this line "
                            "(a2enmod socache_%s)",
                            name);
    /* One that needs a lock around it keeps what it has on this node, where our own memory does. */
    if (!(cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE))
        flaw = cache->provider->create(&cache->instance, colon ? colon + 1 : NULL, cmd->temp_pool,
                                       cmd->pool);
    else if (colon)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, cmd->server,
                     "WebhookKeysReplayCache is \"%s\": the arguments of %s are not used, since "
                     "WebhookKeysReplayEntries says how much is remembered",
                     argv[0], name);
    *(const whk_replay_provider_t **)field = cache;
    return flaw ? apr_psprintf(cmd->temp_pool, "must be one that %s takes: %s", name, flaw) : NULL;
}

enum {
    MAX_BODY,
    MAX_ACTIVE,
    ALGORITHMS,
    OTP_HEADER,
    OTP_PROVIDER,
    SECRET_KEY_FILE,
    JWKS_URI_ALLOW,
    JWKS_URI_PIN,
    JWKS_URI_TIMEOUT,
    CA_FILE,
    PROXY,
    MAX_FETCHES,
    ENTERPRISE,
    SIGNATURE,
    BODY_HASH_CLAIM,
    REQUIRED_COMPONENTS,
    SIGNATURE_TAG,
    AUDIENCE,
    ISSUER,
    REQUIRE_TIME,
    MAX_AGE,
    CLOCK_SKEW,
    MAX_WEBHOOK_BODY,
    REVOCATION_LAG,
    MAX_STALE,
    REPLAY_CACHE,
    BACKEND_HEADERS,
    REPLAY_ENTRIES,
    JWKS_MAX_AGE,
    JWKS_URI_REFRESH
};

static const row_t rows[] = {
    [MAX_BODY] = {"WebhookKeysMaxBody", read_number, FIELD(max_body), 1024, 1048576, "65536"},
    [MAX_ACTIVE] = {"WebhookKeysMaxActive", read_number, FIELD(policy.max_active), 1, 10000, "100"},
    [ALGORITHMS] = {"WebhookKeysAlgorithms", read_algorithms, FIELD(policy.algorithms), 0, 0,
                    "EdDSA ES256 ES384 ES512"},
    [OTP_HEADER] = {"WebhookKeysOTPHeader", read_header_name, FIELD(otp_header), 0, 0, "OTP"},
    [OTP_PROVIDER] = {"WebhookKeysOTPProvider", read_otp_provider, FIELD(otp_provider_name), 0, 0,
                      "totp"},
    [SECRET_KEY_FILE] = {"WebhookKeysSecretKeyFile", read_file, FIELD(secret_key_file), 0, 0, NULL},
    [JWKS_URI_ALLOW] = {"WebhookKeysJwksUriAllow", read_allow, FIELD(jwks_uri_allow), 0, 0, NULL},
    [JWKS_URI_PIN] = {"WebhookKeysJwksUriPin", read_flag, FIELD(policy.jwks_uri_pin), 0, 0, "On"},
    [JWKS_URI_TIMEOUT] = {"WebhookKeysJwksUriTimeout", read_timeout, FIELD(jwks_uri_timeout), 100,
                          60000, "5"},
    [CA_FILE] = {"WebhookKeysCAFile", read_file, FIELD(ca_file), 0, 0, NULL},
    [PROXY] = {"WebhookKeysProxy", read_proxy, FIELD(proxy), 0, 0, NULL},
    [MAX_FETCHES] = {"WebhookKeysMaxFetches", read_number, FIELD(max_fetches), 2, 10000, NULL},
    [ENTERPRISE] = {"WebhookKeysEnterprise", read_expression, FIELD(enterprise), 0, 0, NULL},
    [SIGNATURE] = {"WebhookKeysSignature", read_signature, FIELD(signature), 0, 0, NULL},
    [BODY_HASH_CLAIM] = {"WebhookKeysBodyHashClaim", read_claim, FIELD(body_hash_claim), 0, 0,
                         "request_body_sha256"},
    [REQUIRED_COMPONENTS] = {"WebhookKeysRequiredComponents", read_components,
                             FIELD(required_components), 0, 0, NULL},
    [SIGNATURE_TAG] = {"WebhookKeysSignatureTag", read_text, FIELD(signature_tag), 0, 0, NULL},
    [AUDIENCE] = {"WebhookKeysAudience", read_texts, FIELD(audiences), 0, 0, NULL},
    [ISSUER] = {"WebhookKeysIssuer", read_text, FIELD(issuer), 0, 0, NULL},
    [REQUIRE_TIME] = {"WebhookKeysRequireTime", read_flag, FIELD(require_time), 0, 0, "On"},
    [MAX_AGE] = {"WebhookKeysMaxAge", read_timeout, FIELD(max_age), 1000, 86400000, "300"},
    [CLOCK_SKEW] = {"WebhookKeysClockSkew", read_timeout, FIELD(clock_skew), 0, 3600000, "30"},
    [MAX_WEBHOOK_BODY] = {"WebhookKeysMaxWebhookBody", read_number, FIELD(max_webhook_body), 1024,
                          1073741824, "1048576"},
    [REVOCATION_LAG] = {"WebhookKeysRevocationLag", read_timeout, FIELD(revocation_lag), 300, 60000,
                        "1"},
    [MAX_STALE] = {"WebhookKeysMaxStale", read_timeout, FIELD(max_stale), 0, 86400000, "60"},
    [JWKS_MAX_AGE] = {"WebhookKeysJwksMaxAge", read_number, FIELD(jwks_max_age), 0, 86400, "300"},
    [JWKS_URI_REFRESH] = {"WebhookKeysJwksUriRefresh", read_timeout, FIELD(policy.jwks_uri_refresh),
                          1000, 86400000, "300"},
    [REPLAY_CACHE] = {"WebhookKeysReplayCache", read_replay_cache, FIELD(replay_cache), 0, 0, NULL},
    [BACKEND_HEADERS] = {"WebhookKeysBackendHeaders", read_flag, FIELD(backend_headers), 0, 0,
                         "On"},
    [REPLAY_ENTRIES] = {"WebhookKeysReplayEntries", read_number, FIELD(replay_entries), 1024,
                        16777216, "262144"},
};

#define ROW_COUNT ((int)(sizeof(rows) / sizeof(rows[0])))

static const char *set_directive(cmd_parms *cmd, void *config_, int argc, char *const argv[])
{
    whk_config_t *config = config_;
    const row_t *row = cmd->info;
    const char *wrong = NULL;
    const char *value = "";
    int i;

    if (row == &rows[MAX_FETCHES] || row == &rows[REPLAY_CACHE] || row == &rows[REPLAY_ENTRIES])
        wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    if (wrong)
        return wrong;
    wrong = row->read(cmd, row, (char *)config + row->offset, argc, argv);
    if (!wrong) {
        config->set |= (apr_uint64_t)1 << (row - rows);
        if (row == &rows[MAX_AGE])
            whk_config_note_times(config->max_age, 0);
        if (row == &rows[CLOCK_SKEW])
            whk_config_note_times(0, config->clock_skew);
        return NULL;
    }
    for (i = 0; i < argc; i++)
        value = apr_pstrcat(cmd->pool, value, i ? " " : "", argv[i], NULL);
    return apr_psprintf(cmd->pool, "%s is \"%s\", but %s", row->name, value, wrong);
}

#define EVERYWHERE (RSRC_CONF | ACCESS_CONF)

const command_rec whk_directives[] = {
    AP_INIT_TAKE_ARGV("WebhookKeysMaxBody", set_directive, (void *)&rows[MAX_BODY], EVERYWHERE,
                      "most bytes in the body of a request to the API"),
    AP_INIT_TAKE_ARGV("WebhookKeysMaxActive", set_directive, (void *)&rows[MAX_ACTIVE], EVERYWHERE,
                      "most ACTIVE keys of one enterprise"),
    AP_INIT_TAKE_ARGV("WebhookKeysAlgorithms", set_directive, (void *)&rows[ALGORITHMS], EVERYWHERE,
                      "the JWS algorithms whose keys may be registered"),
    AP_INIT_TAKE_ARGV("WebhookKeysOTPHeader", set_directive, (void *)&rows[OTP_HEADER], EVERYWHERE,
                      "header field that holds the one-time password"),
    AP_INIT_TAKE_ARGV("WebhookKeysOTPProvider", set_directive, (void *)&rows[OTP_PROVIDER],
                      EVERYWHERE, "who checks one-time passwords"),
    AP_INIT_TAKE_ARGV("WebhookKeysSecretKeyFile", set_directive, (void *)&rows[SECRET_KEY_FILE],
                      RSRC_CONF, "file of the key that seals the registry"),
    AP_INIT_TAKE_ARGV("WebhookKeysJwksUriAllow", set_directive, (void *)&rows[JWKS_URI_ALLOW],
                      RSRC_CONF, "addresses and hosts that a jwksUri may lead to all the same"),
    AP_INIT_TAKE_ARGV("WebhookKeysJwksUriPin", set_directive, (void *)&rows[JWKS_URI_PIN],
                      EVERYWHERE, "whether a key by jwksUri stays the key that was registered"),
    AP_INIT_TAKE_ARGV("WebhookKeysJwksUriTimeout", set_directive, (void *)&rows[JWKS_URI_TIMEOUT],
                      RSRC_CONF, "longest time that the fetch of a jwksUri takes"),
    AP_INIT_TAKE_ARGV("WebhookKeysCAFile", set_directive, (void *)&rows[CA_FILE], RSRC_CONF,
                      "certificate authorities for jwksUris, instead of the system's"),
    AP_INIT_TAKE_ARGV("WebhookKeysProxy", set_directive, (void *)&rows[PROXY], RSRC_CONF,
                      "egress proxy through which jwksUris are fetched"),
    AP_INIT_TAKE_ARGV("WebhookKeysMaxFetches", set_directive, (void *)&rows[MAX_FETCHES], RSRC_CONF,
                      "most fetches of jwksUris at once"),
    AP_INIT_TAKE_ARGV("WebhookKeysEnterprise", set_directive, (void *)&rows[ENTERPRISE], EVERYWHERE,
                      "expression that tells whose webhooks arrive here"),
    AP_INIT_TAKE_ARGV("WebhookKeysSignature", set_directive, (void *)&rows[SIGNATURE], EVERYWHERE,
                      "how webhooks are signed, and in which header"),
    AP_INIT_TAKE_ARGV("WebhookKeysBodyHashClaim", set_directive, (void *)&rows[BODY_HASH_CLAIM],
                      EVERYWHERE, "claim of a JWT that holds the body's SHA-256"),
    AP_INIT_TAKE_ARGV("WebhookKeysRequiredComponents", set_directive,
                      (void *)&rows[REQUIRED_COMPONENTS], EVERYWHERE,
                      "what an HTTP message signature must cover"),
    AP_INIT_TAKE_ARGV("WebhookKeysSignatureTag", set_directive, (void *)&rows[SIGNATURE_TAG],
                      EVERYWHERE, "tag of the HTTP message signature that counts"),
    AP_INIT_TAKE_ARGV("WebhookKeysAudience", set_directive, (void *)&rows[AUDIENCE], EVERYWHERE,
                      "names of this service, one of which a JWT's aud must hold"),
    AP_INIT_TAKE_ARGV("WebhookKeysIssuer", set_directive, (void *)&rows[ISSUER], EVERYWHERE,
                      "what a JWT's iss must be"),
    AP_INIT_TAKE_ARGV("WebhookKeysRequireTime", set_directive, (void *)&rows[REQUIRE_TIME],
                      EVERYWHERE, "whether a JWS must tell when it was made or when it ends"),
    AP_INIT_TAKE_ARGV("WebhookKeysMaxAge", set_directive, (void *)&rows[MAX_AGE], EVERYWHERE,
                      "longest time since a webhook was signed"),
    AP_INIT_TAKE_ARGV("WebhookKeysClockSkew", set_directive, (void *)&rows[CLOCK_SKEW], EVERYWHERE,
                      "how far the clocks of signers may differ"),
    AP_INIT_TAKE_ARGV("WebhookKeysMaxWebhookBody", set_directive, (void *)&rows[MAX_WEBHOOK_BODY],
                      EVERYWHERE, "most bytes in the body of a webhook"),
    AP_INIT_TAKE_ARGV("WebhookKeysRevocationLag", set_directive, (void *)&rows[REVOCATION_LAG],
                      RSRC_CONF, "longest time until a change on another node is known here"),
    AP_INIT_TAKE_ARGV("WebhookKeysMaxStale", set_directive, (void *)&rows[MAX_STALE], RSRC_CONF,
                      "how long known keys serve while the store is away"),
    AP_INIT_TAKE_ARGV("WebhookKeysJwksMaxAge", set_directive, (void *)&rows[JWKS_MAX_AGE],
                      EVERYWHERE, "how long a backend may keep jwks.json, in seconds"),
    AP_INIT_TAKE_ARGV("WebhookKeysJwksUriRefresh", set_directive, (void *)&rows[JWKS_URI_REFRESH],
                      RSRC_CONF, "longest time between two fetches of a key set by URI"),
    AP_INIT_TAKE_ARGV("WebhookKeysReplayCache", set_directive, (void *)&rows[REPLAY_CACHE],
                      RSRC_CONF, "socache provider that remembers which webhooks were received"),
    AP_INIT_TAKE_ARGV("WebhookKeysBackendHeaders", set_directive, (void *)&rows[BACKEND_HEADERS],
                      EVERYWHERE, "whether a handler is told in header fields who signed"),
    WHK_NOTED_DIRECTIVES,
    AP_INIT_TAKE_ARGV("WebhookKeysReplayEntries", set_directive, (void *)&rows[REPLAY_ENTRIES],
                      RSRC_CONF, "how many webhooks are remembered on this node"),
    {NULL}};

void *whk_config_create(apr_pool_t *pool, char *dir)
{
    whk_config_t *config = apr_pcalloc(pool, sizeof(*config));

    /* Only a server's own configuration lies under all others, so only it needs the defaults. */
    if (!dir) {
        config->max_body = apr_atoi64(rows[MAX_BODY].fallback);
        config->policy.max_active = atoi(rows[MAX_ACTIVE].fallback);
        config->policy.algorithms = WHK_ALGORITHMS_DEFAULT;
        config->policy.jwks_uri_pin = 1;
        config->require_time = 1;
        config->jwks_uri_timeout = apr_time_from_sec(atoi(rows[JWKS_URI_TIMEOUT].fallback));
        config->otp_header = rows[OTP_HEADER].fallback;
        config->otp_provider_name = rows[OTP_PROVIDER].fallback;
        config->body_hash_claim = rows[BODY_HASH_CLAIM].fallback;
        config->max_age = apr_time_from_sec(atoi(rows[MAX_AGE].fallback));
        config->clock_skew = apr_time_from_sec(atoi(rows[CLOCK_SKEW].fallback));
        config->policy.jwks_uri_refresh = apr_time_from_sec(atoi(rows[JWKS_URI_REFRESH].fallback));
        config->jwks_max_age = atoi(rows[JWKS_MAX_AGE].fallback);
        config->max_webhook_body = apr_atoi64(rows[MAX_WEBHOOK_BODY].fallback);
        config->revocation_lag = apr_time_from_sec(atoi(rows[REVOCATION_LAG].fallback));
        config->max_stale = apr_time_from_sec(atoi(rows[MAX_STALE].fallback));
        config->backend_headers = 1;
        config->replay_entries = atoi(rows[REPLAY_ENTRIES].fallback);
    }
    return config;
}

void *whk_config_merge(apr_pool_t *pool, void *base, void *over_)
{
    const whk_config_t *over = over_;
    whk_config_t *merged = apr_pmemdup(pool, base, sizeof(*merged));
    int i;

    for (i = 0; i < ROW_COUNT; i++)
        if (over->set & ((apr_uint64_t)1 << i))
            memcpy((char *)merged + rows[i].offset, (const char *)over + rows[i].offset,
                   rows[i].size);
    merged->set |= over->set;
    /* As mod_authz_core has it: a section's own lines take the place of those around it. */
    if (over->requires)
        merged->requires =
            over->requires | (over->joins ? merged->requires & WHK_REQUIRES_NOTHING : 0);
    merged->joins = over->joins;
    return merged;
}

const whk_config_t *whk_config_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &webhook_keys_module);
}

const whk_config_t *whk_config_of_server(const server_rec *s)
{
    return ap_get_module_config(s->lookup_defaults, &webhook_keys_module);
}

int whk_config_is_ours(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *handler = core->handler;
    const char *error = NULL;

    /* SetHandler takes an expression, of which a plain name is the simplest. */
    if (core->expr_handler)
        handler = ap_expr_str_exec(r, core->expr_handler, &error);
    return handler && !error && !strcmp(handler, WHK_HANDLER);
}

void *whk_server_create(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(whk_server_t));
}

const whk_server_t *whk_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &webhook_keys_module);
}
