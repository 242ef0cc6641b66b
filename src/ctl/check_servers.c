/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "ctl/check.h"

/* ---- what httpd told ---- */

static int is(const json_t *host, const char *what)
{
    return json_is_true(json_object_get(host, what));
}

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const char *name_of(const json_t *host)
{
    const char *place = text(host, "place");

    return place ? place : "the main server";
}

/* A name or an address as it stands in a configuration, without a port. */
static int is_loopback(const char *host, apr_size_t length)
{
    char text[64];
    struct in_addr v4;
    struct in6_addr v6;

    if (length >= sizeof(text))
        return 0;
    memcpy(text, host, length);
    text[length] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return !strcasecmp(text, "localhost");
}

/* `80` is a port of all, `*` and `_default_` are all. */
static int is_loopback_address(const char *address)
{
    const char *end = *address == '[' ? strchr(address, ']') : strrchr(address, ':');

    if (*address == '[')
        return end && is_loopback(address + 1, (apr_size_t)(end - address - 1));
    return is_loopback(address, end ? (apr_size_t)(end - address) : strlen(address));
}

static int is_wildcard(const char *address)
{
    return *address == '*' || !strncasecmp(address, "_default_", 9);
}

static int is_public(const json_t *host, const json_t *main_server)
{
    const json_t *addresses = json_object_get(host, "addresses");
    size_t i;

    for (i = 0; i < json_array_size(addresses); i++) {
        const char *address = json_string_value(json_array_get(addresses, i));

        /* It is where httpd listens at all. */
        if (address && is_wildcard(address) && host != main_server
                ? is_public(main_server, main_server)
                : address && !is_loopback_address(address))
            return 1;
    }
    return 0;
}

/* ---- servers ---- */

/* What stands in the main server holds in its virtual hosts too. */
static void check_tls(whk_check_t *check, const json_t *host, const json_t *main_server)
{
    if (!is(host, "serves") && !is(main_server, "serves"))
        return;
    if (is(host, "tls") || (is(main_server, "tls") && !is(host, "noTls")))
        return;
    if (is(is(host, "serves") ? host : main_server, "asksForTls"))
        return;
    whk_check_report(
        check, WHK_CHECK_TLS_OFF,
        is_public(host, main_server) ? WHK_FOUND_PROBLEM : WHK_FOUND_NOTICE,
        "add SSLEngine on with its certificate there, or keep the API to servers that "
        "have it: Require expr \"%{HTTPS} == 'on'\" and Require webhook-keys-admin in one "
        "<RequireAll>",
        "%s serves the API without TLS%s: tokens and one-time passwords can be read "
        "on their way",
        name_of(host), is_public(host, main_server) ? "" : ", to this machine alone");
}

static void check_require(whk_check_t *check, const json_t *host, const json_t *main_server)
{
    if (is(host, "serves") && !is(host, "admin") && !is(main_server, "admin"))
        whk_check_report(check, WHK_CHECK_REQUIRE_MISSING, WHK_FOUND_PROBLEM,
                         "add Require webhook-keys-admin to its location",
                         "%s serves the API, and nobody is required to be an admin: every request "
                         "is answered 500",
                         name_of(host));
    if (is(host, "serves") && !is(host, "authenticates") && !is(main_server, "authenticates"))
        whk_check_report(
            check, WHK_CHECK_REQUIRE_MISSING, WHK_FOUND_PROBLEM,
            "add AuthType Bearer and an AuthName to its location, or SSLUserName where "
            "client certificates tell who it is",
            "%s serves the API, and nobody is authenticated: every request is "
            "answered 500",
            name_of(host));
    if (is(host, "verifies") && !is(host, "validWebhook") && !is(main_server, "validWebhook"))
        whk_check_report(check, WHK_CHECK_REQUIRE_MISSING, WHK_FOUND_NOTICE,
                         "add Require valid-webhook to its location, or see that what you require "
                         "in its place is by who signed",
                         "%s verifies webhooks, and no Require valid-webhook stands there",
                         name_of(host));
}

static void check_open(whk_check_t *check, const json_t *host)
{
    const json_t *open = json_object_get(host, "open");
    size_t i;

    for (i = 0; i < json_array_size(open); i++)
        whk_check_report(check, WHK_CHECK_METRICS_OPEN, WHK_FOUND_NOTICE,
                         "add a Require there, as Require ip 10.0.0.0/8",
                         "everybody may read what httpd counts, by the SetHandler at %s",
                         json_string_value(json_array_get(open, i)));
}

static void check_hosts(whk_check_t *check, const json_t *hosts)
{
    const json_t *main_server = json_array_get(hosts, 0);
    size_t count = json_array_size(hosts);
    size_t i;

    for (i = 0; i < count; i++) {
        const json_t *host = json_array_get(hosts, i);

        /* Where there are virtual hosts, they are what is reached. */
        if (i || count == 1)
            check_tls(check, host, main_server);
        check_require(check, host, main_server);
        check_open(check, host);
    }
    whk_check_report(check, WHK_CHECK_ENCODED_SLASHES, WHK_FOUND_OK, NULL,
                     "a keyId with a slash is reached whatever AllowEncodedSlashes says");
}

/* ---- settings ---- */

static int number(const json_t *settings, const char *name, int fallback)
{
    const char *value = text(settings, name);

    return value ? (int)apr_atoi64(value) : fallback;
}

static void check_connections(whk_check_t *check, const json_t *settings)
{
    int threads = (int)json_integer_value(json_object_get(settings, "threads"));
    int most = number(settings, "DBDMax", 10);
    const char *persist = text(settings, "DBDPersist");

    if (threads > 1 && most < threads)
        whk_check_report(check, WHK_CHECK_DBD_MAX, WHK_FOUND_NOTICE,
                         whk_check_fix(check, "set DBDMax %d, and DBDKeep as much", threads),
                         "a process of %d threads has %d connections to the database at most, so "
                         "requests wait for one",
                         threads, most);
    if (persist && !strcasecmp(persist, "Off"))
        whk_check_report(check, WHK_CHECK_DBD_PERSIST, WHK_FOUND_NOTICE,
                         "set DBDPersist On, or take the line away",
                         "DBDPersist is Off: each request connects to the database anew");
}

/* One level for all, and those of modules: `warn webhook_keys:crit`. The last of ours decides. */
static int hides_refusals(const char *levels, apr_pool_t *pool)
{
    static const char *const quiet[] = {"emerg", "alert", "crit", "error"};
    const char *all = NULL;
    const char *own = NULL;
    char *rest;
    char *word;
    size_t i;

    for (word = apr_strtok(apr_pstrdup(pool, levels), " \t", &rest); word;
         word = apr_strtok(NULL, " \t", &rest)) {
        const char *colon = strchr(word, ':');

        if (!colon)
            all = word;
        else if (!strncasecmp(word, "webhook_keys:", 13) ||
                 !strncasecmp(word, "mod_webhook_keys.c:", 19) ||
                 !strncasecmp(word, "webhook_keys_module:", 20))
            own = colon + 1;
    }
    own = own ? own : all;
    for (i = 0; own && i < sizeof(quiet) / sizeof(quiet[0]); i++)
        if (!strcasecmp(own, quiet[i]))
            return 1;
    return 0;
}

static void check_settings(whk_check_t *check, const json_t *hosts, const json_t *settings)
{
    const char *replays = text(settings, "WebhookKeysReplayCache");
    const char *level = text(settings, "LogLevel");
    int verifies = 0;
    size_t i;

    for (i = 0; i < json_array_size(hosts); i++)
        verifies |= is(json_array_get(hosts, i), "verifies");
    check_connections(check, settings);
    if (verifies && (!replays || !strcasecmp(replays, "Off")))
        whk_check_report(check, WHK_CHECK_REPLAY_CACHE_OFF, WHK_FOUND_NOTICE,
                         "add WebhookKeysReplayCache shmcb (on Debian: a2enmod socache_shmcb)",
                         "a webhook that somebody saw passes again for as long as its signature "
                         "is good: there is no WebhookKeysReplayCache");
    if (level && hides_refusals(level, check->invocation->pool))
        whk_check_report(check, WHK_CHECK_LOG_LEVEL, WHK_FOUND_NOTICE,
                         "set LogLevel warn, or LogLevel … webhook_keys:warn",
                         "LogLevel %s hides who is refused, and why", level);
}

/* ---- the way to the database ---- */

static int has(const char *params, const char *word)
{
    return strstr(params, word) != NULL;
}

/* The value of a parameter as libpq reads `name = 'value'`, and apr_dbd_mysql `name=value,`; NULL:
 * it is not there. */
static const char *parameter(const char *params, const char *name, apr_pool_t *pool)
{
    const char *at;

    for (at = params; (at = strstr(at, name)) != NULL; at += strlen(name)) {
        const char *value = at + strlen(name);

        if (at > params && !strchr(" \t,;", at[-1]))
            continue;
        value += strspn(value, " \t");
        if (*value++ != '=')
            continue;
        value += strspn(value, " \t");
        return *value == '\'' ? apr_pstrndup(pool, value + 1, strcspn(value + 1, "'"))
                              : apr_pstrndup(pool, value, strcspn(value, " \t;"));
    }
    return NULL;
}

/* libpq takes several hosts, MySQL's parameters are apart by commas: so a comma ends one in both.
 */
static int are_of_this_machine(const char *hosts)
{
    const char *host = hosts;

    for (; host; host = strchr(host, ',') ? strchr(host, ',') + 1 : NULL) {
        apr_size_t length = strcspn(host, ",");

        if (strchr(host, '=') && strchr(host, '=') < host + length)
            return 1;
        if (length && *host != '/' && *host != '@' && !is_loopback(host, length))
            return 0;
    }
    return 1;
}

/* What neither names leads to a socket of this machine, unless something else names it for them. */
static int is_of_this_machine(const char *params, apr_pool_t *pool)
{
    const char *host = parameter(params, "hostaddr", pool);

    host = host ? host : parameter(params, "host", pool);
    if (host)
        return are_of_this_machine(host);
    return !has(params, "://") && !parameter(params, "service", pool);
}

static void check_way(whk_check_t *check)
{
    const whk_registry_config_t *config = &check->invocation->config;
    int is_mysql = !strcmp(config->dialect->driver, "mysql");

    if (config->dialect->is_file || is_of_this_machine(config->params, check->invocation->pool))
        return;
    if (is_mysql ? has(config->params, "sslca=") : has(config->params, "sslmode=verify-full"))
        return;
    whk_check_report(check, WHK_CHECK_TLS_DATABASE, WHK_FOUND_NOTICE,
                     is_mysql ? "add sslca=/path/of/ca.pem to DBDParams"
                              : "add sslmode=verify-full to DBDParams",
                     "nothing says that the database %s is reached by TLS, and that it is that one",
                     config->name);
}

void whk_check_servers(whk_check_t *check)
{
    const whk_httpd_config_t *httpd = check->invocation->config.httpd;

    check_hosts(check, httpd->hosts);
    check_settings(check, httpd->hosts, httpd->settings);
    check_way(check);
}
