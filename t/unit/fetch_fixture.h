/* SPDX-License-Identifier: Apache-2.0 */
/* Servers on loopback, a resolver of our own, and fetching from them: for test_fetch.c. */

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetch/fetch.h"
#include "fetch/fetch_settings.h"

typedef struct {
    pid_t pid;
    const char *log;
    const char *port;
} server_t;

static apr_pool_t *group_pool, *pool;
static const char *directory, *library;
static server_t good, good_elsewhere, expired, self_signed, wrong_name, old_tls, plain, stalled;

/* ---- servers ---- */

static const char *read_file(const char *path)
{
    apr_file_t *file;
    char *text = apr_pcalloc(group_pool, 65536);
    apr_size_t length = 65535;

    if (apr_file_open(&file, path, APR_READ, 0, group_pool))
        return "";
    apr_file_read_full(file, text, length, &length);
    apr_file_close(file);
    return text;
}

static int count_lines(const server_t *server, const char *beginning)
{
    const char *line = read_file(server->log);
    int count = 0;

    for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        count += !strncmp(line, beginning, strlen(beginning));
    return count;
}

static int connections(const server_t *server)
{
    /* The server writes before it answers; what was never answered needs a moment. */
    usleep(20000);
    return count_lines(server, "connection");
}

static void wait_until_listening(server_t *server)
{
    char host[64], port[16];
    int tries;

    for (tries = 0; tries < 500; tries++) {
        if (sscanf(read_file(server->log), "listening %63s %15s", host, port) == 2) {
            server->port = apr_pstrdup(group_pool, port);
            return;
        }
        usleep(20000);
    }
    fail_msg("no server: %s", server->log);
}

/** Start a script of t/lib with these arguments, a list that ends with NULL. */
static void start_server(server_t *server, const char *script, ...)
{
    static int number;
    const char *arguments[16] = {"python3", apr_pstrcat(group_pool, library, "/", script, NULL),
                                 "--life", "120"};
    va_list list;
    int count = 4;

    va_start(list, script);
    while (count < 15 && (arguments[count] = va_arg(list, const char *)))
        count++;
    va_end(list);
    server->log = apr_psprintf(group_pool, "%s/server-%d.log", directory, number++);
    server->pid = fork();
    if (!server->pid) {
        if (!freopen(server->log, "w", stdout) || dup2(1, 2) < 0)
            _exit(1);
        /* Python finds more libraries to load than the sanitizers like. */
        unsetenv("LD_PRELOAD");
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    wait_until_listening(server);
}

static void stop_server(const server_t *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, NULL, 0);
    }
}

static const char *in_directory(const char *name)
{
    return apr_pstrcat(group_pool, directory, "/", name, NULL);
}

static void start_tls_server(server_t *server, const char *certificate, const char *host,
                             const char *port, const char *option)
{
    start_server(server, "jwks_server.py", "--cert",
                 in_directory(apr_pstrcat(group_pool, certificate, ".pem", NULL)), "--key",
                 in_directory(apr_pstrcat(group_pool, certificate, ".key", NULL)), "--host", host,
                 "--port", port, option, NULL);
}

/* ---- the resolver ---- */

static void write_names(void)
{
    static const char names[] = "good.keys.test 127.0.0.1\n"
                                "forbidden.keys.test 127.0.0.2\n"
                                "good-first.keys.test 127.0.0.1 127.0.0.2\n"
                                "good-last.keys.test 127.0.0.2 127.0.0.1\n"
                                "good-and-six.keys.test 127.0.0.1 ::1\n"
                                "six-and-good.keys.test ::1 127.0.0.1\n"
                                "many-good.keys.test 127.0.0.3 127.0.0.1\n"
                                "rebound.keys.test 127.0.0.1\n"
                                "rebound.keys.test 127.0.0.2\n"
                                "gone.keys.test 127.0.0.1\n"
                                "gone.keys.test missing\n"
                                "missing.keys.test missing\n"
                                "slow.keys.test sleep=3 127.0.0.1\n"
                                "hesitant.keys.test sleep=0.3 10.0.0.1\n"
                                "inside.keys.test 10.0.0.1\n"
                                "mapped.keys.test ::ffff:127.0.0.1\n";
    FILE *file = fopen(in_directory("names"), "w");

    assert_non_null(file);
    fputs(names, file);
    fclose(file);
    setenv("WHK_TEST_RESOLVER", in_directory("names"), 1);
}

/* ---- fetching ---- */

static whk_fetch_settings_t settings_with(const char *allowed)
{
    whk_fetch_settings_t settings;

    whk_fetch_settings_default(&settings, pool);
    settings.ca_file = in_directory("ca.pem");
    if (allowed)
        assert_null(whk_allow_list_add((whk_allow_list_t *)settings.allowed, allowed));
    return settings;
}

static whk_fetcher_t *fetcher_of(const whk_fetch_settings_t *settings)
{
    whk_fetcher_t *fetcher = NULL;

    assert_int_equal(whk_fetcher_create(&fetcher, settings, pool), APR_SUCCESS);
    return fetcher;
}

static whk_fetcher_t *fetcher_with(const char *allowed)
{
    whk_fetch_settings_t settings = settings_with(allowed);

    return fetcher_of(&settings);
}

static const char *uri_on(const char *host, const server_t *server, const char *path)
{
    return apr_pstrcat(pool, "https://", host, ":", server->port, path, NULL);
}

static whk_fetched_t fetch_good(whk_fetcher_t *fetcher, const char *uri, const char *etag)
{
    whk_fetched_t fetched = {0};
    const whk_outcome_t *outcome = whk_fetch(fetcher, uri, etag, NULL, &fetched, pool);

    if (outcome)
        fail_msg("%s: %s (%s)", uri, outcome->message, outcome->operator_hint);
    return fetched;
}

static const whk_outcome_t *fetch_bad(whk_fetcher_t *fetcher, const char *uri, whk_code_t code)
{
    whk_fetched_t fetched = {0};
    const whk_outcome_t *outcome = whk_fetch(fetcher, uri, NULL, NULL, &fetched, pool);

    if (!outcome)
        fail_msg("%s was fetched", uri);
    if (outcome->code != code)
        fail_msg("%s: %s: %s (%s)", uri, whk_code_name(outcome->code), outcome->message,
                 outcome->operator_hint);
    assert_null(fetched.body);
    return outcome;
}

static void assert_refused(whk_fetcher_t *fetcher, const char *uri)
{
    const whk_outcome_t *outcome = fetch_bad(fetcher, uri, WHK_JWKS_URI_REFUSED);

    /* The same words, whatever is there. */
    assert_string_equal(outcome->message, whk_code_message(WHK_JWKS_URI_REFUSED));
    assert_non_null(outcome->operator_hint);
}

static void assert_unreachable(whk_fetcher_t *fetcher, const char *uri, const char *word)
{
    const whk_outcome_t *outcome = fetch_bad(fetcher, uri, WHK_JWKS_URI_UNREACHABLE);

    if (!strstr(outcome->message, word))
        fail_msg("%s: %s", uri, outcome->message);
}

static double seconds_since(apr_time_t start)
{
    return (double)(apr_time_now() - start) / APR_USEC_PER_SEC;
}

/* ---- before and after ---- */

static int start(void **state)
{
    char template[] = "/tmp/test_fetch.XXXXXX";
    const char *command;

    (void)state;
    /* httpd does so too: a server that goes away must not take the process with it. */
    signal(SIGPIPE, SIG_IGN);
    apr_pool_create(&group_pool, NULL);
    library = getenv("WHK_TEST_LIB") ? getenv("WHK_TEST_LIB") : "t/lib";
    if (!mkdtemp(template))
        return 1;
    directory = apr_pstrdup(group_pool, template);
    command = apr_pstrcat(group_pool, "sh ", library, "/make_certificates.sh ", directory, NULL);
    if (system(command))
        return 1;
    write_names();
    start_tls_server(&good, "good", "127.0.0.1", "0", NULL);
    start_tls_server(&good_elsewhere, "good", "127.0.0.2", good.port, NULL);
    start_tls_server(&expired, "expired", "127.0.0.1", "0", NULL);
    start_tls_server(&self_signed, "self-signed", "127.0.0.1", "0", NULL);
    start_tls_server(&wrong_name, "wrong-name", "127.0.0.1", "0", NULL);
    start_tls_server(&old_tls, "good", "127.0.0.1", "0", "--tls-1.1");
    start_tls_server(&stalled, "good", "127.0.0.1", "0", "--stall");
    start_server(&plain, "jwks_server.py", NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stop_server(&good);
    stop_server(&good_elsewhere);
    stop_server(&expired);
    stop_server(&self_signed);
    stop_server(&wrong_name);
    stop_server(&old_tls);
    stop_server(&stalled);
    stop_server(&plain);
    if (system(apr_pstrcat(group_pool, "rm -r ", directory, NULL)))
        return 1;
    apr_pool_destroy(group_pool);
    /* Look-ups that were given up end by themselves: the leak checker should see them gone. */
    sleep(2);
    return 0;
}

static int start_one(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL);
}

static int stop_one(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_one, stop_one)
