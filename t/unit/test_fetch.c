/* SPDX-License-Identifier: Apache-2.0 */
/* whk_fetch() against real servers on loopback (t/lib/jwks_server.py, t/lib/connect_proxy.py) and a
 * resolver of our own (t/lib/test_resolver.c, linked in). Runs from the root of the tree, or with
 * WHK_TEST_LIB set to where t/lib is. */
#include "fetch/fetch.h"
#include "fetch/fetch_settings.h"
#include "fetch_fixture.h"

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#define THREADS 16
#define FETCHES 20

/* ---- what works ---- */

static void a_good_set(void **state)
{
    whk_fetcher_t *fetcher = fetcher_with("127.0.0.1");
    int before = connections(&good);
    whk_fetched_t fetched;

    (void)state;
    fetched = fetch_good(fetcher, uri_on("good.keys.test", &good, "/jwks.json"), NULL);
    assert_int_equal(fetched.length, strlen(fetched.body));
    assert_non_null(strstr(fetched.body, "\"kid\":\"my-key\""));
    assert_null(fetched.etag);
    assert_int_equal(fetched.max_age, -1);
    assert_false(fetched.not_modified);
    fetch_good(fetcher, uri_on("good.keys.test", &good, "/gzip"), NULL);
    fetch_good(fetcher, uri_on("GOOD.keys.test.", &good, "/interim"), NULL);
    /* One connection served all three. */
    assert_int_equal(connections(&good) - before, 1);
    fetch_good(fetcher, uri_on("127.0.0.1", &good, "/jwks.json"), NULL);
    fetch_good(fetcher, uri_on("0x7f.1", &good, "/jwks.json"), NULL);
}

static void caching(void **state)
{
    whk_fetcher_t *fetcher = fetcher_with("good.keys.test");
    const char *uri = uri_on("good.keys.test", &good, "/etag");
    whk_fetched_t fetched = fetch_good(fetcher, uri, NULL);

    (void)state;
    assert_string_equal(fetched.etag, "\"v1\"");
    assert_int_equal(fetched.max_age, 300);
    fetched = fetch_good(fetcher, uri, fetched.etag);
    assert_true(fetched.not_modified);
    assert_null(fetched.body);
    assert_int_equal(fetched.max_age, 300);
    fetched = fetch_good(fetcher, uri, "\"v0\"");
    assert_false(fetched.not_modified);
    /* What is no entity-tag is not sent. */
    fetched = fetch_good(fetcher, uri, "\"v1\"\r\nX: y");
    assert_false(fetched.not_modified);
    fetched = fetch_good(fetcher, uri_on("good.keys.test", &good, "/weak-cache"), NULL);
    assert_null(fetched.etag);
    assert_int_equal(fetched.max_age, 0);
    fetched = fetch_good(fetcher, uri_on("good.keys.test", &good, "/interim"), NULL);
    assert_null(fetched.etag);
}

static void what_is_sent(void **state)
{
    static const char *const never[] = {"Cookie", "Authorization", "Referer", "Proxy"};
    static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                            "ALL_PROXY"};
    whk_fetcher_t *fetcher = fetcher_with("127.0.0.1");
    whk_fetched_t fetched;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        setenv(variables[i], "http://user:password@127.0.0.1:9", 1);
    fetched = fetch_good(fetcher, uri_on("good.keys.test", &good, "/echo?a=b"), "\"v1\"");
    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);

    assert_non_null(strstr(fetched.body, "GET /echo?a=b HTTP/1.1\n"));
    assert_non_null(strstr(fetched.body, "User-Agent: mod_webhook_keys/"));
    assert_non_null(strstr(fetched.body, "If-None-Match: \"v1\""));
    for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        assert_null(strstr(fetched.body, never[i]));
}

static void plain_http_to_exceptions_only(void **state)
{
    const char *literal = apr_pstrcat(pool, "http://127.0.0.1:", plain.port, "/jwks.json", NULL);
    const char *name = apr_pstrcat(pool, "http://good.keys.test:", plain.port, "/jwks.json", NULL);
    int before = connections(&plain);

    (void)state;
    fetch_bad(fetcher_with(NULL), literal, WHK_INVALID_JWKS_URI);
    fetch_bad(fetcher_with("127.0.0.1"), name, WHK_INVALID_JWKS_URI);
    fetch_bad(fetcher_with("good.keys.test"), literal, WHK_INVALID_JWKS_URI);
    assert_int_equal(connections(&plain), before);
    fetch_good(fetcher_with("127.0.0.1"), literal, NULL);
    fetch_good(fetcher_with("good.keys.test"), name, NULL);
}

/* ---- what is refused ---- */

static void spellings_of_loopback(void **state)
{
    static const char *const hosts[] = {
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "good.keys.test",
        "good-first.keys.test",
        "good-and-six.keys.test",
        "mapped.keys.test",
        "missing.keys.test",
        "inside.keys.test",
        "10.0.0.1",
        "169.254.169.254",
    };
    whk_fetcher_t *fetcher = fetcher_with(NULL);
    int before = connections(&good), before_elsewhere = connections(&good_elsewhere);
    const server_t closed = {.port = "1"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_refused(fetcher, uri_on(hosts[i], &good, "/jwks.json"));
        assert_refused(fetcher, uri_on(hosts[i], &closed, "/jwks.json"));
    }
    assert_int_equal(connections(&good), before);
    assert_int_equal(connections(&good_elsewhere), before_elsewhere);
}

/* One forbidden address refuses the name, wherever it stands, before any is connected to. */
static void good_and_forbidden_addresses(void **state)
{
    static const char *const hosts[] = {"good-first.keys.test", "good-last.keys.test",
                                        "good-and-six.keys.test", "six-and-good.keys.test"};
    whk_fetcher_t *fetcher = fetcher_with("127.0.0.1");
    int before = connections(&good), before_elsewhere = connections(&good_elsewhere);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        assert_refused(fetcher, uri_on(hosts[i], &good, "/jwks.json"));
    assert_int_equal(connections(&good), before);
    assert_int_equal(connections(&good_elsewhere), before_elsewhere);
    /* Several good ones are tried one after another: nobody listens at 127.0.0.3. */
    fetch_good(fetcher_with("127.0.0.0/8"), uri_on("many-good.keys.test", &good, "/jwks.json"),
               NULL);
}

/* The answer changes between the judging of the name and the connecting: the socket's own check
 * holds. */
static void second_answer_is_forbidden(void **state)
{
    whk_fetch_settings_t settings = settings_with("127.0.0.1");
    int before = connections(&good), before_elsewhere = connections(&good_elsewhere);
    whk_fetcher_t *fetcher;

    (void)state;
    settings.dns_lifetime = 0;
    fetcher = fetcher_of(&settings);
    assert_refused(fetcher, uri_on("rebound.keys.test", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("gone.keys.test", &good, "/jwks.json"));
    assert_int_equal(connections(&good), before);
    assert_int_equal(connections(&good_elsewhere), before_elsewhere);
}

static void exceptions_are_for_their_host(void **state)
{
    whk_fetcher_t *fetcher = fetcher_with("good.keys.test");

    (void)state;
    fetch_good(fetcher, uri_on("good.keys.test", &good, "/jwks.json"), NULL);
    /* A kept connection and a known answer to the same address are no way in for other names. */
    assert_refused(fetcher, uri_on("127.0.0.1", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("rebound.keys.test", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("localhost", &good, "/jwks.json"));
}

static void redirects_are_not_followed(void **state)
{
    int before = connections(&good_elsewhere);
    const char *path =
        apr_pstrcat(pool, "/redirect?", uri_on("127.0.0.2", &good_elsewhere, "/jwks.json"), NULL);

    (void)state;
    assert_unreachable(fetcher_with("127.0.0.0/8"), uri_on("good.keys.test", &good, path),
                       "redirect");
    assert_int_equal(connections(&good_elsewhere), before);
}

/* How long the resolver needs shows in steps only, and ends with the time to connect. */
static void time_tells_little(void **state)
{
    static const struct {
        const char *host;
        double least, most;
    } rows[] = {
        {"missing.keys.test", 0.25, 0.75},  {"inside.keys.test", 0.25, 0.75},
        {"hesitant.keys.test", 0.50, 1.00}, {"slow.keys.test", 1.00, 1.75},
        {"10.0.0.1", 0.00, 0.20},
    };
    whk_fetch_settings_t settings = settings_with(NULL);
    whk_fetcher_t *fetcher;
    size_t i;

    (void)state;
    settings.connect_timeout = apr_time_from_msec(900);
    fetcher = fetcher_of(&settings);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t start = apr_time_now();
        double spent;

        assert_refused(fetcher, uri_on(rows[i].host, &good, "/jwks.json"));
        spent = seconds_since(start);
        if (spent < rows[i].least - 0.01 || spent > rows[i].most)
            fail_msg("%s: %.3f s", rows[i].host, spent);
    }
}

/* ---- what is unreachable ---- */

static void certificates(void **state)
{
    whk_fetcher_t *fetcher = fetcher_with("127.0.0.1");
    whk_fetch_settings_t settings = settings_with("127.0.0.1");

    (void)state;
    assert_unreachable(fetcher, uri_on("good.keys.test", &expired, "/jwks.json"), "certificate");
    assert_unreachable(fetcher, uri_on("good.keys.test", &self_signed, "/jwks.json"),
                       "certificate");
    assert_unreachable(fetcher, uri_on("good.keys.test", &wrong_name, "/jwks.json"), "certificate");
    assert_unreachable(fetcher, uri_on("good.keys.test", &old_tls, "/jwks.json"), "TLS 1.2");
    assert_unreachable(fetcher, uri_on("good.keys.test", &plain, "/jwks.json"), "TLS 1.2");
    assert_int_equal(count_lines(&expired, "request") + count_lines(&self_signed, "request") +
                         count_lines(&wrong_name, "request") + count_lines(&old_tls, "request"),
                     0);
    settings.ca_file = NULL;
    assert_unreachable(fetcher_of(&settings), uri_on("good.keys.test", &good, "/jwks.json"),
                       "certificate");
    settings.ca_file = "/nonexistent/ca.pem";
    fetch_bad(fetcher_of(&settings), uri_on("good.keys.test", &good, "/jwks.json"),
              WHK_INTERNAL_ERROR);
}

static void answers(void **state)
{
    static const struct {
        const char *path, *word;
    } rows[] = {
        {"/status/201", "status 201"},
        {"/status/204", "status 204"},
        {"/status/206", "status 206"},
        {"/status/304", "redirect"},
        {"/status/401", "status 401"},
        {"/status/404", "status 404"},
        {"/status/500", "status 500"},
        {"/large", "larger"},
        {"/large-chunked", "larger"},
        {"/exact/65537", "larger"},
        {"/gzip-bomb", "larger"},
        {"/gzip-nothing", "larger"},
        {"/gzip-broken", "Content-Encoding"},
        {"/many-headers", "headers"},
        {"/close", "broke off"},
        {"/truncated", "broke off"},
        {"/no-status", "broke off"},
        {"/drip", "in time"},
        {"/drip-headers", "in time"},
        {"/hang", "in time"},
    };
    whk_fetch_settings_t settings = settings_with("127.0.0.1");
    whk_fetcher_t *fetcher;
    size_t i;

    (void)state;
    settings.timeout = apr_time_from_msec(1200);
    fetcher = fetcher_of(&settings);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t start = apr_time_now();

        assert_unreachable(fetcher, uri_on("good.keys.test", &good, rows[i].path), rows[i].word);
        if (seconds_since(start) > 1.5)
            fail_msg("%s: %.3f s", rows[i].path, seconds_since(start));
    }
    assert_int_equal(
        fetch_good(fetcher, uri_on("good.keys.test", &good, "/exact/65536"), NULL).length, 65536);
    assert_int_equal(fetch_good(fetcher, uri_on("good.keys.test", &good, "/exact/0"), NULL).length,
                     0);
    fetch_good(fetcher, uri_on("good.keys.test", &good, "/html"), NULL);
}

static void nobody_answers(void **state)
{
    const server_t closed = {.port = "1"};
    whk_fetch_settings_t settings = settings_with("127.0.0.1");
    whk_fetcher_t *fetcher;
    apr_time_t start;

    (void)state;
    settings.connect_timeout = apr_time_from_msec(500);
    fetcher = fetcher_of(&settings);
    assert_unreachable(fetcher, uri_on("good.keys.test", &closed, "/jwks.json"), "connected");
    start = apr_time_now();
    assert_unreachable(fetcher, uri_on("good.keys.test", &stalled, "/jwks.json"), "in time");
    assert_true(seconds_since(start) < 0.8);
}

/* ---- an operator's proxy ---- */

static whk_fetcher_t *fetcher_through(const server_t *proxy)
{
    whk_fetch_settings_t settings = settings_with(NULL);

    settings.proxy = apr_pstrcat(pool, "http://127.0.0.1:", proxy->port, NULL);
    return fetcher_of(&settings);
}

static void through_a_proxy(void **state)
{
    const char *origin = apr_pstrcat(group_pool, "127.0.0.1:", good.port, NULL);
    const server_t closed = {.port = "1"};
    server_t proxy;
    whk_fetcher_t *fetcher;

    (void)state;
    start_server(&proxy, "connect_proxy.py", "--to", origin, NULL);
    fetcher = fetcher_through(&proxy);
    /* The proxy looks names up: ours would not have this one. */
    fetch_good(fetcher, uri_on("missing.keys.test", &closed, "/jwks.json"), NULL);
    setenv("NO_PROXY", "*", 1);
    setenv("no_proxy", "*", 1);
    fetch_good(fetcher, uri_on("good.keys.test", &closed, "/jwks.json"), NULL);
    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
    assert_int_equal(count_lines(&proxy, "connect"), 2);
    assert_int_equal(count_lines(&proxy, "connect missing.keys.test:1"), 1);
    assert_unreachable(fetcher, uri_on("good.keys.test", &closed, "/status/500"), "500");
    assert_unreachable(fetcher, uri_on("other.example", &closed, "/jwks.json"), "certificate");

    assert_refused(fetcher, uri_on("denied.keys.test", &good, "/jwks.json"));
    assert_int_equal(count_lines(&proxy, "connect denied.keys.test"), 1);
    assert_refused(fetcher, uri_on("127.0.0.1", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("0x7f.1", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("[::ffff:127.0.0.1]", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("localhost.", &good, "/jwks.json"));
    assert_refused(fetcher, uri_on("a.localhost", &good, "/jwks.json"));
    assert_int_equal(count_lines(&proxy, "connect 127") + count_lines(&proxy, "connect [") +
                         count_lines(&proxy, "connect localhost") +
                         count_lines(&proxy, "connect a.localhost"),
                     0);
    stop_server(&proxy);
    fetch_bad(fetcher_through(&closed), uri_on("good.keys.test", &good, "/jwks.json"),
              WHK_INTERNAL_ERROR);
}

static void proxy_flaws(void **state)
{
    (void)state;
    assert_null(whk_fetch_proxy_flaw("http://proxy.internal:3128"));
    assert_null(whk_fetch_proxy_flaw("https://proxy.internal:3128/"));
    assert_non_null(whk_fetch_proxy_flaw("https://user:password@proxy.internal:3128/"));
    assert_non_null(whk_fetch_proxy_flaw("https://user@proxy.internal:3128/"));
    assert_non_null(whk_fetch_proxy_flaw(""));
    assert_non_null(whk_fetch_proxy_flaw("proxy.internal:3128"));
    assert_non_null(whk_fetch_proxy_flaw("http://proxy.internal"));
    assert_non_null(whk_fetch_proxy_flaw("socks5h://proxy.internal:1080"));
}

/* ---- many at once ---- */

static volatile apr_uint32_t thread_failures;

static void *APR_THREAD_FUNC fetch_often(apr_thread_t *thread, void *fetcher)
{
    static const char *const paths[] = {"/jwks.json", "/gzip", "/status/500", "/etag"};
    apr_pool_t *thread_pool;
    apr_uint32_t failures = 0;
    int i;

    (void)thread;
    apr_pool_create_unmanaged_ex(&thread_pool, NULL, NULL);
    for (i = 0; i < FETCHES; i++) {
        whk_fetched_t fetched;
        const char *uri =
            apr_pstrcat(thread_pool, "https://good.keys.test:", good.port, paths[i % 4], NULL);
        int is_good = !whk_fetch(fetcher, uri, NULL, NULL, &fetched, thread_pool);

        failures += is_good != (i % 4 != 2);
        if (i % 8 == 0)
            failures += !whk_fetch(fetcher, "https://127.1/", NULL, NULL, &fetched, thread_pool);
    }
    apr_pool_destroy(thread_pool);
    apr_atomic_add32(&thread_failures, failures);
    return NULL;
}

static void threads(void **state)
{
    whk_fetcher_t *fetcher = fetcher_with("good.keys.test");
    apr_thread_t *running[THREADS];
    int i;

    (void)state;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(apr_thread_create(&running[i], NULL, fetch_often, fetcher, pool), 0);
    for (i = 0; i < THREADS; i++) {
        apr_status_t unused;

        apr_thread_join(&unused, running[i]);
    }
    assert_int_equal(apr_atomic_read32(&thread_failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_set),
        TEST(caching),
        TEST(what_is_sent),
        TEST(plain_http_to_exceptions_only),
        TEST(spellings_of_loopback),
        TEST(good_and_forbidden_addresses),
        TEST(second_answer_is_forbidden),
        TEST(exceptions_are_for_their_host),
        TEST(redirects_are_not_followed),
        TEST(time_tells_little),
        TEST(certificates),
        TEST(answers),
        TEST(nobody_answers),
        TEST(through_a_proxy),
        TEST(proxy_flaws),
        TEST(threads),
    };
    int failures;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failures = cmocka_run_group_tests_name("fetch", tests, start, stop);
    apr_terminate();
    return failures;
}
