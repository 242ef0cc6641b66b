/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "fetch/jwks_uri.h"

static apr_pool_t *pool;

static whk_allow_list_t *exceptions(void)
{
    whk_allow_list_t *list = whk_allow_list_create(pool);

    assert_null(whk_allow_list_add(list, "127.0.0.0/8"));
    assert_null(whk_allow_list_add(list, "fd00::/8"));
    assert_null(whk_allow_list_add(list, "keys.internal"));
    return list;
}

static whk_jwks_uri_t *parse(const char *text, const whk_outcome_t **outcome)
{
    whk_jwks_uri_t *uri = NULL;

    *outcome = whk_jwks_uri_parse(&uri, text, exceptions(), pool);
    return uri;
}

/* What libcurl is handed in the end: the one spelling that was judged. */
static void good_uris(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
        const char *spelled;
    } rows[] = {
        {"https://keys.example/jwks.json", "keys.example", 443,
         "https://keys.example:443/jwks.json"},
        {"HTTPS://Keys.EXAMPLE/a?b=c", "keys.example", 443, "https://keys.example:443/a?b=c"},
        {"https://keys.example", "keys.example", 443, "https://keys.example:443/"},
        {"https://keys.example?a", "keys.example", 443, "https://keys.example:443/?a"},
        {"https://keys.example:8443/", "keys.example", 8443, "https://keys.example:8443/"},
        {"https://keys.example:00443/", "keys.example", 443, "https://keys.example:443/"},
        {"https://keys.example./", "keys.example", 443, "https://keys.example:443/"},
        {"https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443,
         "https://xn--bcher-kva.example:443/"},
        {"https://a_b.example/%20%2F%00", "a_b.example", 443, "https://a_b.example:443/%20%2F%00"},
        {"https://keys.example/@user:p", "keys.example", 443, "https://keys.example:443/@user:p"},
        {"https://localhost/", "localhost", 443, "https://localhost:443/"},
        {"https://localhost./", "localhost", 443, "https://localhost:443/"},
        {"https://8.8.8.8/", "8.8.8.8", 443, "https://8.8.8.8:443/"},
        /* Spellings of an address become the address, for the guard to judge. */
        {"https://127.1/", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://127.0.0.1./", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://2130706433/", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://0x7f000001/", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://0X7F.1/", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://0177.0.0.1/", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://017700000001/", "127.0.0.1", 443, "https://127.0.0.1:443/"},
        {"https://0/", "0.0.0.0", 443, "https://0.0.0.0:443/"},
        {"https://[::1]/", "::1", 443, "https://[::1]:443/"},
        {"https://[::FFFF:127.0.0.1]:1/", "::ffff:127.0.0.1", 1, "https://[::ffff:127.0.0.1]:1/"},
        {"https://[0:0:0:0:0:ffff:7f00:1]/", "::ffff:127.0.0.1", 443,
         "https://[::ffff:127.0.0.1]:443/"},
        /* Plain http, where the operator said so. */
        {"http://keys.internal/", "keys.internal", 80, "http://keys.internal:80/"},
        {"http://KEYS.internal.:8080/", "keys.internal", 8080, "http://keys.internal:8080/"},
        {"http://127.0.0.1:81/", "127.0.0.1", 81, "http://127.0.0.1:81/"},
        {"http://[fd12::1]/", "fd12::1", 80, "http://[fd12::1]:80/"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const whk_outcome_t *outcome;
        whk_jwks_uri_t *uri = parse(rows[i].text, &outcome);
        char *spelled = NULL;

        if (outcome)
            fail_msg("%s: %s", rows[i].text, outcome->message);
        assert_string_equal(uri->host.name, rows[i].host);
        assert_int_equal(uri->port, rows[i].port);
        assert_int_equal(curl_url_get(uri->parsed, CURLUPART_URL, &spelled, 0), 0);
        assert_string_equal(spelled, rows[i].spelled);
        curl_free(spelled);
    }
}

static void bad_uris(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"", "https://"},
        {"keys.example/jwks.json", "https://"},
        {"//keys.example/", "https://"},
        {"/jwks.json", "https://"},
        {"https:keys.example", "https://"},
        {"https:/keys.example/", "https://"},
        {"https:///keys.example/", "host"},
        {"https://", "host"},
        {"https:///", "host"},
        {"https://?a", "host"},
        {"https://:443/", "host"},
        {"http://keys.example/", "https://"},
        {"http://10.0.0.1/", "https://"},
        {"http://other.internal/", "https://"},
        {"http://[::ffff:127.0.0.1]/", "https://"},
        {"ftp://keys.internal/", "https://"},
        {"file:///etc/passwd", "https://"},
        {"gopher://127.0.0.1:6379/_", "https://"},
        {"httpsx://keys.example/", "https://"},
        {" https://keys.example/", "space"},
        {"https://keys.example/ ", "space"},
        {"https://keys.example/a b", "space"},
        {"https://keys.example/\r\nHost: x", "space"},
        {"https://keys.example/\t", "space"},
        {"https://keys.example/\x7f", "space"},
        {"https://keys.example\\@127.0.0.1/", "backslash"},
        {"https://keys.example/\\", "backslash"},
        {"https:\\\\keys.example\\", "backslash"},
        {"https://keys.example/<x>", "character"},
        {"https://keys.example/{x}", "character"},
        {"https://keys.example/|", "character"},
        {"https://b\xc3\xbc"
         "cher.example/",
         "xn--"},
        {"https://keys.example/\xc3\xbc", "xn--"},
        {"https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "xn--"},
        {"https://keys\xe3\x80\x82"
         "example/",
         "xn--"},
        {"https://keys.example/%", "%"},
        {"https://keys.example/%2", "%"},
        {"https://keys.example/%zz", "%"},
        {"https://user@keys.example/", "user"},
        {"https://user:password@keys.example/", "user"},
        {"https://@keys.example/", "user"},
        {"https://:@keys.example/", "user"},
        {"https://keys.example@127.0.0.1/", "user"},
        {"https://127.0.0.1:443@keys.example/", "user"},
        {"https://keys.example/#", "fragment"},
        {"https://keys.example/#a", "fragment"},
        {"https://keys.example#@127.0.0.1/", "fragment"},
        {"https://keys.example:/", "port"},
        {"https://keys.example:0/", "port"},
        {"https://keys.example:65536/", "port"},
        {"https://keys.example:99999999999999999999/", "port"},
        {"https://keys.example:000443/", "port"},
        {"https://keys.example:+443/", "port"},
        {"https://keys.example:443a/", "port"},
        {"https://keys.example:443:443/", "port"},
        {"https://keys.example:%34%34%33/", "port"},
        {"https://keys%2eexample/", "host"},
        {"https://127.0.0.%31/", "host"},
        {"https://keys..example/", "host"},
        {"https://.keys.example/", "host"},
        {"https://keys.example../", "host"},
        {"https://./", "host"},
        {"https://-keys.example/", "host"},
        {"https://keys!.example/", "host"},
        {"https://keys.example,127.0.0.1/", "host"},
        {"https://keys.example;127.0.0.1/", "host"},
        {"https://keys.example&@x/", "user"},
        {"https://256.256.256.256/", "IPv4"},
        {"https://127.0.0.256/", "IPv4"},
        {"https://1.2.3.4.5/", "IPv4"},
        {"https://4294967296/", "IPv4"},
        {"https://09.0.0.1/", "IPv4"},
        {"https://keys.123/", "IPv4"},
        {"https://keys.0x7f/", "IPv4"},
        {"https://0x/", "IPv4"},
        {"https://[::1/", "bracket"},
        {"https://[]/", "IPv6"},
        {"https://[127.0.0.1]/", "IPv6"},
        {"https://[::1%25lo]/", "IPv6"},
        {"https://[fe80::1%251]/", "IPv6"},
        {"https://[v1.a]/", "IPv6"},
        {"https://[::1]x/", "port"},
        {"https://[::1]:x/", "port"},
        {"https://[::1][::2]/", "port"},
        {"https://::1/", "host"},
        {"https://keys.example/[", "bracket"},
        {"https://keys.example/?a[]", "bracket"},
        {"https://keys[.example/", "host"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const whk_outcome_t *outcome;

        assert_null(parse(rows[i].text, &outcome));
        if (!outcome)
            fail_msg("taken: %s", rows[i].text);
        assert_int_equal(outcome->code, WHK_INVALID_JWKS_URI);
        if (!strstr(outcome->message, rows[i].word))
            fail_msg("%s: %s", rows[i].text, outcome->message);
    }
}

static const char *of_length(const char *head, size_t length)
{
    char *text = apr_palloc(pool, length + 1);

    memset(text, 'a', length);
    memcpy(text, head, strlen(head));
    text[length] = '\0';
    return text;
}

static void lengths(void **state)
{
    const whk_outcome_t *outcome;

    (void)state;
    assert_non_null(parse(of_length("https://keys.example/", 2048), &outcome));
    assert_null(parse(of_length("https://keys.example/", 2049), &outcome));
    assert_non_null(strstr(outcome->message, "2048"));
    assert_non_null(parse(of_length("https://", 8 + 63), &outcome));
    assert_null(parse(of_length("https://", 8 + 64), &outcome));
    assert_null(parse(of_length("https://a.b.c.", 300), &outcome));
}

/* A message never sends back what was sent: it may be put on a page. */
static void messages_repeat_nothing(void **state)
{
    const whk_outcome_t *outcome;

    (void)state;
    parse("https://sEcReT:sEcReT@sEcReT/sEcReT", &outcome);
    assert_null(strstr(outcome->message, "sEcReT"));
    parse("https://127.0.0.sEcReT:port/", &outcome);
    assert_null(strstr(outcome->message, "sEcReT"));
}

static int start(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL);
}

static int stop(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_uris),
        cmocka_unit_test(bad_uris),
        cmocka_unit_test(lengths),
        cmocka_unit_test(messages_repeat_nothing),
    };
    int failures;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failures = cmocka_run_group_tests_name("jwks_uri", tests, start, stop);
    apr_terminate();
    return failures;
}
