/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/server_dump.h"

#include <httpd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <string.h>

#include "httpd/config.h"
#include "httpd/metrics_handler.h"

/* What stands in a server, or in a section in it. */
typedef struct {
    const ap_directive_t *node; /* <VirtualHost>; NULL: the main server */
    int serves;
    int authenticates;
    int has_admin;
    int verifies;
    int has_valid_webhook;
    int has_tls;
    int has_no_tls;   /* by a line of its own */
    int asks_for_tls; /* each section that serves does */
    json_t *open;     /* where what tells of us is open to everybody */
    json_t *addresses;
} host_t;

/* What one section says. */
typedef struct {
    int serves;
    int asks_for_tls; /* SSLRequireSSL, or Require expr by HTTPS; or what is around it does */
    int in_all;       /* inside of <RequireAll> */
    int tells;        /* it has a handler that tells of us */
    const ap_directive_t *handler;
} section_t;

static int is_named(const ap_directive_t *directive, const char *name)
{
    return !ap_cstr_casecmp(directive->directive, name);
}

static const char *word(const ap_directive_t *directive, apr_pool_t *pool)
{
    const char *arguments = directive->args;

    return ap_getword_conf(pool, &arguments);
}

static json_t *place_of(const ap_directive_t *directive, apr_pool_t *pool)
{
    json_t *place =
        json_string(apr_psprintf(pool, "%s:%d", directive->filename, directive->line_num));

    return place ? place : json_string("a file whose name is not UTF-8");
}

static void note_handler(section_t *section, const ap_directive_t *directive, apr_pool_t *pool)
{
    const char *handler = word(directive, pool);

    section->serves = !ap_cstr_casecmp(handler, WHK_HANDLER);
    section->tells = !ap_cstr_casecmp(handler, WHK_METRICS_HANDLER) ||
                     !ap_cstr_casecmp(handler, "server-status");
    section->handler = directive;
}

static void note_require(host_t *host, section_t *section, const ap_directive_t *directive,
                         apr_pool_t *pool)
{
    const char *arguments = directive->args;
    const char *what = ap_getword_conf(pool, &arguments);

    if (!ap_cstr_casecmp(what, "webhook-keys-admin"))
        host->has_admin = 1;
    if (!ap_cstr_casecmp(what, "valid-webhook"))
        host->has_valid_webhook = 1;
    /* Where any is enough, an admin passes without. */
    if (section->in_all && !ap_cstr_casecmp(what, "expr") && ap_strcasestr(arguments, "HTTPS") &&
        !ap_strcasestr(arguments, "off"))
        section->asks_for_tls = 1;
}

static void note(host_t *host, section_t *section, const ap_directive_t *directive,
                 apr_pool_t *pool)
{
    if (is_named(directive, "SetHandler"))
        note_handler(section, directive, pool);
    else if (is_named(directive, "Require"))
        note_require(host, section, directive, pool);
    else if (is_named(directive, "AuthType") || is_named(directive, "SSLUserName"))
        host->authenticates = 1;
    else if (is_named(directive, "WebhookKeysSignature"))
        host->verifies |= ap_cstr_casecmp(word(directive, pool), "None") != 0;
    else if (is_named(directive, "SSLEngine")) {
        host->has_tls = ap_cstr_casecmp(word(directive, pool), "off") != 0;
        host->has_no_tls = !host->has_tls;
    } else if (is_named(directive, "SSLRequireSSL"))
        section->asks_for_tls = 1;
    else if (is_named(directive, "Listen"))
        json_array_append_new(host->addresses, json_string(word(directive, pool)));
}

/* ---- who may read a section ---- */

typedef enum {
    NOBODY_SAYS,
    OPEN,
    GUARDED
} guard_t;

/* <Limit> lists methods that it is for, <LimitExcept> those that it is not for. */
static int is_for_get(const ap_directive_t *directive, apr_pool_t *pool)
{
    int is_listed = 0;
    const char *arguments = directive->args;

    while (*arguments) {
        char *method = ap_getword_conf(pool, &arguments);
        apr_size_t length = strlen(method);

        if (length && method[length - 1] == '>')
            method[length - 1] = '\0';
        is_listed |= !strcmp(method, "GET");
    }
    return is_named(directive, "<Limit") ? is_listed : !is_listed;
}

static guard_t guard_of(const ap_directive_t *directive, int wants_all, apr_pool_t *pool);

static guard_t guard_of_require(const ap_directive_t *directive, apr_pool_t *pool)
{
    const char *arguments = directive->args;
    const char *what = ap_getword_conf(pool, &arguments);

    if (!ap_cstr_casecmp(what, "not"))
        return NOBODY_SAYS;
    return !ap_cstr_casecmp(what, "all") &&
                   !ap_cstr_casecmp(ap_getword_conf(pool, &arguments), "granted")
               ? OPEN
               : GUARDED;
}

/* What is under a condition is there for some requests alone. */
static guard_t guard_of_one(const ap_directive_t *directive, int wants_all, apr_pool_t *pool)
{
    if (is_named(directive, "Require"))
        return guard_of_require(directive, pool);
    if (is_named(directive, "Deny"))
        return GUARDED;
    if (is_named(directive, "<RequireAny"))
        return guard_of(directive->first_child, 0, pool);
    if (is_named(directive, "<RequireAll"))
        return guard_of(directive->first_child, 1, pool);
    if ((is_named(directive, "<Limit") || is_named(directive, "<LimitExcept")) &&
        is_for_get(directive, pool))
        return guard_of(directive->first_child, wants_all, pool);
    return NOBODY_SAYS;
}

/* One that opens is enough where any is, and one that guards where all must be. */
static guard_t guard_of(const ap_directive_t *directive, int wants_all, apr_pool_t *pool)
{
    guard_t decides = wants_all ? GUARDED : OPEN;
    guard_t found = NOBODY_SAYS;

    for (; directive; directive = directive->next) {
        guard_t guard = guard_of_one(directive, wants_all, pool);

        if (guard != NOBODY_SAYS && found != decides)
            found = guard;
    }
    return found;
}

static void finish(host_t *host, const section_t *section, const ap_directive_t *first,
                   apr_pool_t *pool)
{
    if (section->serves) {
        host->asks_for_tls = section->asks_for_tls && (!host->serves || host->asks_for_tls);
        host->serves = 1;
    }
    if (section->tells && guard_of(first, 0, pool) != GUARDED)
        json_array_append_new(host->open, place_of(section->handler, pool));
}

/* Their lines are as if they stood in the section around them. */
static int is_part_of_section(const ap_directive_t *directive)
{
    return is_named(directive, "<RequireAny") || is_named(directive, "<RequireAll") ||
           is_named(directive, "<RequireNone") || is_named(directive, "<Limit") ||
           is_named(directive, "<LimitExcept") || is_named(directive, "<If") ||
           is_named(directive, "<Else") || is_named(directive, "<ElseIf");
}

static json_t *host_json(const host_t *host, apr_pool_t *pool)
{
    return json_pack("{s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:o}", "place",
                     host->node ? place_of(host->node, pool) : json_null(), "addresses",
                     host->addresses, "serves", host->serves, "authenticates", host->authenticates,
                     "admin", host->has_admin, "verifies", host->verifies, "validWebhook",
                     host->has_valid_webhook, "tls", host->has_tls, "noTls", host->has_no_tls,
                     "asksForTls", host->asks_for_tls, "open", host->open);
}

static void begin(host_t *host, const ap_directive_t *node)
{
    memset(host, 0, sizeof(*host));
    host->node = node;
    host->open = json_array();
    host->addresses = json_array();
}

static void collect(const ap_directive_t *directive, host_t *host, section_t *section,
                    json_t *hosts, apr_pool_t *pool);

static void collect_host(const ap_directive_t *directive, json_t *hosts, apr_pool_t *pool)
{
    const char *arguments = directive->args;
    section_t section = {0};
    host_t host;

    begin(&host, directive);
    while (*arguments && *arguments != '>') {
        char *address = ap_getword_conf(pool, &arguments);
        apr_size_t length = strlen(address);

        if (length && address[length - 1] == '>')
            address[length - 1] = '\0';
        if (*address)
            json_array_append_new(host.addresses, json_string(address));
    }
    collect(directive->first_child, &host, &section, hosts, pool);
    finish(&host, &section, directive->first_child, pool);
    json_array_append_new(hosts, host_json(&host, pool));
}

static void collect(const ap_directive_t *directive, host_t *host, section_t *section,
                    json_t *hosts, apr_pool_t *pool)
{
    for (; directive; directive = directive->next) {
        section_t inner = {.asks_for_tls = section->asks_for_tls};

        if (*directive->directive != '<')
            note(host, section, directive, pool);
        else if (is_named(directive, "<VirtualHost"))
            collect_host(directive, hosts, pool);
        else if (is_part_of_section(directive)) {
            int was = section->in_all;

            section->in_all |= is_named(directive, "<RequireAll");
            collect(directive->first_child, host, section, hosts, pool);
            section->in_all = was;
        } else {
            collect(directive->first_child, host, &inner, hosts, pool);
            finish(host, &inner, directive->first_child, pool);
        }
    }
}

json_t *whk_server_dump_hosts(apr_pool_t *pool)
{
    json_t *hosts = json_array();
    section_t section = {0};
    host_t host;

    begin(&host, NULL);
    collect(ap_conftree, &host, &section, hosts, pool);
    finish(&host, &section, ap_conftree, pool);
    json_array_insert_new(hosts, 0, host_json(&host, pool));
    return hosts;
}

/* The last that stands there, of any server: they mostly stand once. */
static const ap_directive_t *find(const ap_directive_t *directive, const char *name)
{
    const ap_directive_t *found = NULL;

    for (; directive; directive = directive->next) {
        const ap_directive_t *inner =
            is_named(directive, "<VirtualHost") ? find(directive->first_child, name) : NULL;

        if (inner || is_named(directive, name))
            found = inner ? inner : directive;
    }
    return found;
}

static json_t *setting(const char *name)
{
    const ap_directive_t *directive = find(ap_conftree, name);
    json_t *value = directive ? json_string(directive->args) : json_null();

    return value ? value : json_null();
}

/* In whatever section. */
static int is_somewhere(const ap_directive_t *directive, const char *name)
{
    for (; directive; directive = directive->next)
        if (is_named(directive, name) ||
            (*directive->directive == '<' && is_somewhere(directive->first_child, name)))
            return 1;
    return 0;
}

json_t *whk_server_dump_settings(void)
{
    int threads = 1;
    int processes = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes);
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:b, s:b}", "threads", threads, "processes",
                     processes, "DBDMax", setting("DBDMax"), "DBDPersist", setting("DBDPersist"),
                     "WebhookKeysReplayCache", setting("WebhookKeysReplayCache"), "LogLevel",
                     setting("LogLevel"), "adminQuery",
                     is_somewhere(ap_conftree, "WebhookKeysAdminQuery"), "otpSecretQuery",
                     is_somewhere(ap_conftree, "WebhookKeysOTPSecretQuery"));
}
