/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, read strictly. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "jose/json.h"

static apr_pool_t *pool;

static const whk_outcome_t *parse_bytes(const char *text, apr_size_t length)
{
    json_t *value;

    return whk_json_parse(&value, text, length, "the body", pool);
}

static const whk_outcome_t *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void assert_refused(const char *text, apr_size_t length, const char *phrase)
{
    const whk_outcome_t *outcome = parse_bytes(text, length);

    if (!outcome)
        fail_msg("was read: %s", text);
    assert_int_equal(outcome->code, WHK_INVALID_JSON);
    if (!strstr(outcome->message, phrase) || strstr(outcome->message, "near"))
        fail_msg("%s: wanted \"%s\" in \"%s\"", text, phrase, outcome->message);
    assert_ptr_equal(strstr(outcome->message, "the body"), outcome->message);
}

static void good(void **state)
{
    static const char *const texts[] = {"{}",
                                        "[]",
                                        "null",
                                        "true",
                                        "\"a\"",
                                        " {\"a\": 1}\r\n\t",
                                        "{\"a\":{\"b\":1},\"c\":{\"b\":1}}",
                                        "\"\\ud83d\\udd11\"",
                                        "123456789012345678901234567890",
                                        "-0",
                                        "1e308",
                                        "[\"[[[[[[[[[[[[[[[[[[[[\"]",
                                        "\"\\\\\"",
                                        "\"\\\"[\""};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const whk_outcome_t *outcome = parse(texts[i]);

        if (outcome)
            fail_msg("%s: %s", texts[i], outcome->message);
    }
}

static void refused(void **state)
{
    static const char *const rows[][2] = {
        {"", "is empty"},
        {" ", "too early"},
        {"{", "too early"},
        {"{\"a\":1", "too early"},
        {"{} {}", "goes on after its value"},
        {"{}x", "goes on after its value"},
        {"{\"a\":1,\"a\":1}", "repeats a member name"},
        {"{\"a\":1,\"\\u0061\":2}", "repeats a member name"},
        {"[{\"k\":{\"a\":1,\"a\":1}}]", "repeats a member name"},
        {"\xEF\xBB\xBF{}", "byte order mark"},
        {"\"\xC3(\"", "UTF-8"},
        {"\"\xED\xA0\x80\"", "UTF-8"},
        {"\"\xC0\x80\"", "UTF-8"},
        {"\"\\ud800\"", "syntax"},
        {"\"\\u0000\"", "NUL"},
        {"{\"a\\u0000\":1}", "NUL"},
        {"1e999", "too large"},
        {"{'a':1}", "syntax"},
        {"{\"a\":1,}", "syntax"},
        {"[1,]", "syntax"},
        {"// x\n{}", "syntax"},
        {"01", "syntax"},
        {"NaN", "syntax"},
        {"\"a\nb\"", "syntax"},
        {"\\", "syntax"},
        {"]]]]", "syntax"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(rows[i][0], strlen(rows[i][0]), rows[i][1]);
    assert_refused("{}\0", 3, "goes on after its value");
    assert_refused("\0", 1, "too early");
}

static void says_where(void **state)
{
    (void)state;
    assert_refused("{\n  \"a\": 1,\n  \"a\": 2}", 22, "at line 3, column ");
}

/* The text may be a private key. */
/* In a string a bracket opens nothing. */
static void count(void **state)
{
    const char *most = "";
    int i;

    (void)state;
    for (i = 1; i < WHK_JSON_COUNT_MAX; i++)
        most = apr_pstrcat(pool, most, i % 2 ? "{}," : "[],", NULL);
    assert_null(parse(apr_pstrcat(pool, "[", most, "\"[{[{\"]", NULL)));
    most = apr_pstrcat(pool, "[", most, "[]]", NULL);
    assert_refused(most, strlen(most), "must be JSON of at most 1024 objects and arrays");
}

static void repeats_no_byte(void **state)
{
    static const char *const texts[] = {"{\"d\":\"hunter2\" \"x\"}",
                                        "{\"hunter2\":1,\"hunter2\":2}",
                                        "hunter2",
                                        "{} hunter2",
                                        "\"hunter2",
                                        "\"\\hunter2\""};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_null(strstr(parse(texts[i])->message, "unter2"));
}

static void depth(void **state)
{
    char text[65536];

    (void)state;
    memset(text, '[', 16);
    memset(text + 16, ']', 16);
    assert_null(parse_bytes(text, 32));
    memset(text, '[', 17);
    memset(text + 17, ']', 17);
    assert_refused(text, 34, "no deeper than 16");
    memset(text, '[', sizeof(text));
    assert_refused(text, sizeof(text), "no deeper than 16");
    assert_refused("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
                   "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}}}}}}}}",
                   98, "no deeper than 16");
}

static void writes_in_order(void **state)
{
    json_t *value = whk_json_adopt(pool, json_object());

    (void)state;
    json_object_set_new(value, "z", json_string("\xC3\xA9"));
    json_object_set_new(value, "a", json_null());
    assert_string_equal(whk_json_text(pool, value), "{\"z\":\"\xC3\xA9\",\"a\":null}");
    assert_null(whk_json_adopt(pool, NULL));
    assert_null(whk_json_text(pool, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(refused),
        cmocka_unit_test(says_where),
        cmocka_unit_test(depth),
        cmocka_unit_test(count),
        cmocka_unit_test(repeats_no_byte),
        cmocka_unit_test(writes_in_order),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("json", tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
