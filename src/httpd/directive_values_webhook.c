/* SPDX-License-Identifier: Apache-2.0 */
#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/directive_values.h"
#include "httpd/rollout.h"
#include "httpd/signing_keys.h"
#include "model/log_number.h"
#include "model/name.h"

APLOG_USE_MODULE(webhook_keys);

const char *whk_read_signature(const whk_arguments_t *given, void *member,
                               const whk_scheme_t *(*find)(const char *name), const char *names)
{
    const whk_scheme_t *scheme = given->count ? find(given->words[0]) : NULL;
    whk_signature_config_t *signature = member;
    cmd_parms *cmd = given->cmd;

    memset(signature, 0, sizeof(*signature));
    if (given->count == 1 && !ap_cstr_casecmp(given->words[0], "None"))
        return NULL;
    if (!scheme)
        return apr_psprintf(cmd->temp_pool, "must begin with one of %s, or be None", names);
    if (scheme->takes_header && (given->count != 2 || !whk_is_header_name(given->words[1])))
        return apr_psprintf(cmd->temp_pool, "must be %s and the name of one header field",
                            scheme->name);
    if (!scheme->takes_header && given->count != 1)
        return apr_psprintf(cmd->temp_pool, "must be %s alone: it has its own place", scheme->name);
    signature->scheme = scheme;
    signature->header = given->count == 2 ? apr_pstrdup(cmd->pool, given->words[1]) : NULL;
    signature->in_section = cmd->path != NULL;
    return NULL;
}

static const char *read_signature(const whk_arguments_t *given, void *member)
{
    return whk_read_signature(given, member, whk_scheme_by_name,
                              "jws, jws-detached, jwt, http-signature, standard-webhooks");
}

int whk_is_field_component(const char *name)
{
    const char *c;

    for (c = name; *c; c++)
        if (!apr_islower(*c) && !apr_isdigit(*c) && *c != '-')
            return 0;
    return c > name;
}

/* What other parts of httpd set, read, put something to or take out. */
static int is_taken_header(const char *name)
{
    static const char *const names[] = {"Accept",
                                        "Accept-Encoding",
                                        "Authorization",
                                        "Connection",
                                        "Content-Encoding",
                                        "Content-Length",
                                        "Content-Type",
                                        "Cookie",
                                        "Date",
                                        "Expect",
                                        "Forwarded",
                                        "Host",
                                        "HTTP2-Settings",
                                        "Keep-Alive",
                                        "Max-Forwards",
                                        "Proxy",
                                        "Range",
                                        "TE",
                                        "Trailer",
                                        "Transfer-Encoding",
                                        "Upgrade",
                                        "Via",
                                        "Webhook-Enterprise",
                                        "Webhook-Key-Id",
                                        "Webhook-Alg",
                                        "Webhook-Signed-At",
                                        "Webhook-Verdict"};
    static const char *const starts[] = {"If-", "Proxy-", "X-Forwarded-"};
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!ap_cstr_casecmp(names[i], name))
            return 1;
    for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (!ap_cstr_casecmpn(starts[i], name, strlen(starts[i])))
            return 1;
    return 0;
}

/* httpd tells CGI programs, and whatever speaks FastCGI and the like, of no other names. */
static int is_plain_name(const char *name)
{
    while (apr_isalnum(*name) || *name == '-')
        name++;
    return !*name;
}

static const char *read_sign(const whk_arguments_t *given, void *member)
{
    whk_signature_config_t *sign = member;
    const char *flaw = read_signature(given, member);

    if (flaw || !sign->scheme)
        return flaw;
    if (!sign->scheme->sign)
        return "must begin with one of jws-detached, jwt, http-signature, standard-webhooks, or be "
               "None: the body that goes out stays what it is";
    if (sign->header && !is_plain_name(sign->header))
        return "must name a header field by letters, digits and - alone: httpd hands no other on "
               "to "
               "CGI programs";
    if (sign->header && is_taken_header(sign->header))
        return "must name a header field of its own, not one that HTTP has for something else";
    return NULL;
}

static const whk_signing_key_line_t *find_kid(const apr_array_header_t *lines, const char *kid)
{
    int i;

    for (i = 0; i < lines->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(lines, i, whk_signing_key_line_t).kid, kid))
            return &APR_ARRAY_IDX(lines, i, whk_signing_key_line_t);
    return NULL;
}

static const char *kid_flaw(const char *kid, apr_pool_t *pool)
{
    const char *flaw = whk_key_id_flaw(kid, strlen(kid));
    const char *c;

    for (c = kid; !flaw && *c; c++)
        if (*c <= ' ' || *c > '~')
            flaw = "be of printable ASCII characters, without a space";
    return flaw ? apr_psprintf(pool, "its kid must %s", flaw) : NULL;
}

/* A line adds to those before it in the same server. */
static const char *read_signing_key(const whk_arguments_t *given, void *member)
{
    apr_array_header_t **lines = member;
    cmd_parms *cmd = given->cmd;
    whk_signing_key_line_t line;
    const char *flaw;

    if (given->count != 2 || !*given->words[1])
        return "must be a kid and the file of a private key";
    flaw = kid_flaw(given->words[0], cmd->temp_pool);
    if (flaw)
        return flaw;
    if (!*lines)
        *lines = apr_array_make(cmd->pool, 2, sizeof(whk_signing_key_line_t));
    if (find_kid(*lines, given->words[0]))
        return "its kid stands in a line before: each key must have one of its own";
    if ((*lines)->nelts == WHK_SIGNING_KEYS_MAX)
        return apr_psprintf(cmd->temp_pool, "must stand there at most %d times",
                            WHK_SIGNING_KEYS_MAX);
    line.kid = apr_pstrdup(cmd->pool, given->words[0]);
    line.file = ap_server_root_relative(cmd->pool, given->words[1]);
    APR_ARRAY_PUSH(*lines, whk_signing_key_line_t) = line;
    return line.file ? NULL : "must name a file that can be";
}

/* RFC 9421, section 2: a field in lower case, or one of the derived components of a request. */
static int is_component(const char *name)
{
    static const char *const derived[] = {"@method",         "@target-uri", "@authority", "@scheme",
                                          "@request-target", "@path",       "@query"};
    apr_size_t i;

    for (i = 0; i < sizeof(derived) / sizeof(derived[0]); i++)
        if (!strcmp(name, derived[i]))
            return 1;
    return whk_is_field_component(name);
}

static const char *read_components(const whk_arguments_t *given, void *member)
{
    int i;

    for (i = 0; i < given->count; i++)
        if (!is_component(given->words[i]))
            return apr_psprintf(given->cmd->temp_pool,
                                "\"%s\" must be the name of a header field in lower case (letters, "
                                "digits and hyphens), or "
                                "@method, @target-uri, @authority, @scheme, @request-target, "
                                "@path or @query",
                                given->words[i]);
    *(const apr_array_header_t **)member = whk_arguments_list(given);
    return given->count ? NULL : "must be one or more components";
}

/* "shmcb", or "memcache:10.0.0.5:11211": a provider, and what it is told. */
static const char *create_replay_cache(cmd_parms *cmd, const char *word,
                                       whk_replay_provider_t *cache)
{
    const char *colon = strchr(word, ':');
    const char *name =
        apr_pstrmemdup(cmd->pool, word, colon ? (apr_size_t)(colon - word) : strlen(word));
    const char *flaw = NULL;

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
        ap_log_error(
            APLOG_MARK, APLOG_NOTICE, 0, cmd->server,
            WHK_LOGNO(0012) "WebhookKeysReplayCache is \"%s\": the arguments of %s are not used, "
                            "since WebhookKeysReplayEntries says how much is remembered",
            word, name);
    return flaw ? apr_psprintf(cmd->temp_pool, "must be one that %s takes: %s", name, flaw) : NULL;
}

static const char *read_replay_cache(const whk_arguments_t *given, void *member)
{
    whk_replay_provider_t *cache = NULL;
    const char *flaw = NULL;

    if (given->count != 1)
        return "must be Off, or one socache provider with its arguments, as shmcb or "
               "memcache:10.0.0.5:11211";
    if (ap_cstr_casecmp(given->words[0], "Off") != 0) {
        cache = apr_pcalloc(given->cmd->pool, sizeof(*cache));
        flaw = create_replay_cache(given->cmd, given->words[0], cache);
    }
    *(const whk_replay_provider_t **)member = cache;
    return flaw;
}

static const char *read_enforce(const whk_arguments_t *given, void *member)
{
    whk_enforce_config_t *enforce = member;
    const char *flaw = whk_value_flag.read(given, &enforce->is_on);

    if (!flaw)
        enforce->rollout = enforce->is_on ? NULL : whk_rollout_create(given->cmd);
    return flaw;
}

const whk_value_type_t whk_value_signature = {"signature", sizeof(whk_signature_config_t),
                                              read_signature, NULL};
const whk_value_type_t whk_value_sign = {"sign", sizeof(whk_signature_config_t), read_sign, NULL};
const whk_value_type_t whk_value_signing_key = {"signing_key", sizeof(apr_array_header_t *),
                                                read_signing_key, NULL};
const whk_value_type_t whk_value_components = {"components", sizeof(apr_array_header_t *),
                                               read_components, NULL};
const whk_value_type_t whk_value_enforce = {"enforce", sizeof(whk_enforce_config_t), read_enforce,
                                            NULL};
const whk_value_type_t whk_value_replay_cache = {"replay_cache", sizeof(whk_replay_provider_t *),
                                                 read_replay_cache, NULL};
