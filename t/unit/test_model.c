/* SPDX-License-Identifier: Apache-2.0 */
/* Names, times, random bytes, and the table of outcomes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <apr_general.h>
#include <apr_lib.h>
#include <cmocka.h>

#include "model/caller.h"
#include "model/event.h"
#include "model/key.h"
#include "model/name.h"
#include "model/outcome.h"
#include "model/random.h"
#include "model/timestamp.h"

static apr_pool_t *pool;

static void assert_flaw(const char *text, const char *word)
{
    const char *flaw = whk_name_flaw(text, strlen(text));

    if (!flaw || !strstr(flaw, word))
        fail_msg("\"%s\": wanted a flaw with \"%s\", got %s", text, word, flaw ? flaw : "none");
}

static void assert_good(const char *text)
{
    const char *flaw = whk_name_flaw(text, strlen(text));

    if (flaw)
        fail_msg("\"%s\" must %s", text, flaw);
}

static void good_names(void **state)
{
    static const char *const names[] = {
        "a", "my-key-v2", "a/b", "100%", "a b", ".", "..", "\"quoted\"", "\xC3\xA9t\xC3\xA9",
        /* the ends of each length of UTF-8, and a space of Unicode within */
        "\xC2\xA1", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "a\xE3\x80\x80"
        "b",
        "a\xE2\x80\xA8"
        "b",
        /* looks blank, but has not the property White_Space */
        "\xE2\x80\x8B", "\xEF\xBB\xBF", "\xE1\xA0\x8E"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_good(names[i]);
}

static void bad_utf8(void **state)
{
    static const char *const names[] = {"\x80",
                                        "\xBF",
                                        "a\xC3",
                                        "\xC3(",
                                        "\xC0\x80",
                                        "\xC1\xBF",
                                        "\xE0\x9F\xBF",
                                        "\xE2\x82",
                                        "\xE2(\xA1",
                                        "\xED\xA0\x80",
                                        "\xED\xBF\xBF",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xF4\x90\x80\x80",
                                        "\xF8\x88\x80\x80\x80",
                                        "\xFE",
                                        "\xFF",
                                        "\xF0\x90\x80",
                                        "\xE2\x82\xE2"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_flaw(names[i], "UTF-8");
}

static void control_characters(void **state)
{
    char text[] = "a?b";
    int c;

    (void)state;
    for (c = 1; c < 0x20; c++) {
        text[1] = (char)c;
        assert_flaw(text, "control");
    }
    assert_flaw("a\x7F", "control");
    assert_flaw("\tb", "control");
    for (c = 0x80; c < 0xA0; c++) {
        char two[] = {'\xC2', (char)c, '\0'};

        assert_flaw(two, "control");
    }
    assert_non_null(whk_name_flaw("a\0b", 3));
}

static void white_space_at_the_ends(void **state)
{
    static const char *const spaces[] = {" ",
                                         "\xC2\xA0",
                                         "\xE1\x9A\x80",
                                         "\xE2\x80\x80",
                                         "\xE2\x80\x81",
                                         "\xE2\x80\x82",
                                         "\xE2\x80\x83",
                                         "\xE2\x80\x84",
                                         "\xE2\x80\x85",
                                         "\xE2\x80\x86",
                                         "\xE2\x80\x87",
                                         "\xE2\x80\x88",
                                         "\xE2\x80\x89",
                                         "\xE2\x80\x8A",
                                         "\xE2\x80\xA8",
                                         "\xE2\x80\xA9",
                                         "\xE2\x80\xAF",
                                         "\xE2\x81\x9F",
                                         "\xE3\x80\x80"};
    char text[16];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        assert_flaw(spaces[i], "white space");
        strcat(strcpy(text, spaces[i]), "a");
        assert_flaw(text, "white space");
        strcat(strcpy(text, "a"), spaces[i]);
        assert_flaw(text, "white space");
        strcat(text, "a");
        assert_good(text);
    }
}

/* Characters are counted, not bytes. */
static void lengths(void **state)
{
    char text[4 * 256 + 1] = "";
    int i;

    (void)state;
    assert_flaw("", "1 to 255");
    assert_non_null(whk_name_flaw(NULL, 0));
    for (i = 0; i < 255; i++)
        strcat(text, "\xF0\x9F\x94\x91");
    assert_good(text);
    strcat(text, "a");
    assert_flaw(text, "1 to 255");
}

static void key_ids_and_enterprise_ids(void **state)
{
    (void)state;
    assert_non_null(whk_key_id_flaw(".", 1));
    assert_non_null(whk_key_id_flaw("..", 2));
    assert_null(whk_key_id_flaw("...", 3));
    assert_null(whk_key_id_flaw(".a", 2));
    assert_null(whk_key_id_flaw("a/b", 3));
    assert_non_null(whk_key_id_flaw("", 0));
    assert_non_null(whk_enterprise_id_flaw("a/b", 3));
    assert_non_null(whk_enterprise_id_flaw("/", 1));
    assert_non_null(whk_enterprise_id_flaw("..", 2));
    assert_non_null(whk_enterprise_id_flaw("", 0));
    assert_null(whk_enterprise_id_flaw("acme", 4));
}

static void times(void **state)
{
    apr_time_t now;

    (void)state;
    assert_string_equal(whk_time_format(pool, 0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(whk_time_format(pool, APR_INT64_C(1768213800007999)),
                        "2026-01-12T10:30:00.007Z");
    assert_string_equal(whk_time_format(pool, APR_INT64_C(951782400000000)),
                        "2000-02-29T00:00:00.000Z");
    now = whk_time_now();
    assert_int_equal(now % 1000, 0);
    assert_true(now <= apr_time_now() && now > apr_time_now() - apr_time_from_sec(5));
}

static void assert_time(const char *text, const char *expected)
{
    apr_time_t when = 7;
    int is_read = whk_time_parse(text, &when);

    if (is_read != (expected != NULL))
        fail_msg("\"%s\" is %sread", text, is_read ? "" : "not ");
    if (expected)
        assert_string_equal(whk_time_format(pool, when), expected);
    else
        assert_int_equal(when, 7);
}

/* RFC 3339, section 5.8, and what is none of it. */
static void times_that_are_read(void **state)
{
    static const char *const bad[] = {"",
                                      "Z",
                                      "1985",
                                      "1985-04-12",
                                      "1985-04-12T23:20:50",
                                      "1985-04-12T23:20Z",
                                      "1985-04-12 23:20:50Z",
                                      " 1985-04-12T23:20:50Z",
                                      "1985-04-12T23:20:50Z ",
                                      "1985-4-12T23:20:50Z",
                                      "85-04-12T23:20:50Z",
                                      "+1985-04-12T23:20:50Z",
                                      "1985-04-12T23:20:50.Z",
                                      "1985-04-12T23:20:50,5Z",
                                      "1985-04-12T23:20:50+1",
                                      "1985-04-12T23:20:50+0100",
                                      "1985-04-12T23:20:50+24:00",
                                      "1985-04-12T23:20:50+01:60",
                                      "1985-04-12T23:20:50Z+01:00",
                                      "1985-00-12T23:20:50Z",
                                      "1985-13-12T23:20:50Z",
                                      "1985-04-00T23:20:50Z",
                                      "1985-04-31T23:20:50Z",
                                      "1985-02-29T23:20:50Z",
                                      "1900-02-29T00:00:00Z",
                                      "1985-04-12T24:00:00Z",
                                      "1985-04-12T23:60:00Z",
                                      "1990-12-31T23:59:60Z",
                                      "1937-01-01T12:00:27Z",
                                      "1985-04-12T-1:20:50Z",
                                      "1985-04-12T23:20:5xZ"};
    size_t i;

    (void)state;
    assert_time("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z");
    assert_time("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z");
    assert_time("2037-01-01T12:00:27.87+00:20", "2037-01-01T11:40:27.870Z");
    assert_time("2000-02-29T23:59:59.9999999999z", "2000-02-29T23:59:59.999Z");
    assert_time("2026-12-31t23:30:00-00:30", "2027-01-01T00:00:00.000Z");
    assert_time("2026-12-31T23:30:00-00:00", "2026-12-31T23:30:00.000Z");
    assert_time("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_time(bad[i], NULL);
}

static void keys_that_are_due(void **state)
{
    whk_key_t key = {.status = WHK_KEY_STATUS_ACTIVE};

    (void)state;
    assert_false(whk_key_is_due(&key, APR_INT64_MAX));
    key.revokes = 1000;
    assert_false(whk_key_is_due(&key, 999));
    whk_key_settle(&key, 999);
    assert_int_equal(key.status, WHK_KEY_STATUS_ACTIVE);
    assert_true(whk_key_is_due(&key, 1000));
    whk_key_settle(&key, 5000);
    assert_int_equal(key.status, WHK_KEY_STATUS_REVOKED);
    assert_int_equal(key.revoked, 1000);
    assert_string_equal(key.revoked_by, "schedule");
    assert_false(whk_key_is_due(&key, 5000));
}

static void assert_uuid(const char *uuid)
{
    int i;

    assert_int_equal(strlen(uuid), 36);
    for (i = 0; i < 36; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23)
            assert_int_equal(uuid[i], '-');
        else
            assert_true(apr_isxdigit(uuid[i]) && !apr_isupper(uuid[i]));
    assert_int_equal(uuid[14], '4');
    assert_non_null(strchr("89ab", uuid[19]));
}

static void random_bytes(void **state)
{
    unsigned char one[32] = {0};
    unsigned char other[32] = {0};
    const char *uuid = whk_uuid(pool);

    (void)state;
    assert_int_equal(whk_random(one, sizeof(one)), APR_SUCCESS);
    assert_int_equal(whk_random(other, sizeof(other)), APR_SUCCESS);
    assert_memory_not_equal(one, other, sizeof(one));
    assert_uuid(uuid);
    assert_string_not_equal(uuid, whk_uuid(pool));
}

static void every_code_has_its_row(void **state)
{
    int code;
    int other;

    (void)state;
    for (code = 0; code < WHK_CODE_COUNT; code++) {
        assert_non_null(whk_code_name((whk_code_t)code));
        assert_true(*whk_code_message((whk_code_t)code) != '\0');
        assert_in_range(whk_code_status((whk_code_t)code), 400, 504);
        for (other = 0; other < code; other++)
            assert_string_not_equal(whk_code_name((whk_code_t)code),
                                    whk_code_name((whk_code_t)other));
    }
    assert_string_equal(whk_code_name(WHK_KEY_ID_TAKEN), "key_id_taken");
    assert_int_equal(whk_code_status(WHK_KEY_ID_TAKEN), 400);
    assert_int_equal(whk_code_status(WHK_INVALID_TOKEN), 401);
    assert_int_equal(whk_code_status(WHK_NOT_ENTERPRISE_ADMIN), 403);
    assert_int_equal(whk_code_status(WHK_OTP_LOCKED), 429);
    assert_int_equal(whk_code_status(WHK_TOO_BUSY), 503);
    assert_string_equal(whk_code_name(WHK_CODE_COUNT), "internal_error");
}

static void outcomes(void **state)
{
    const whk_outcome_t *refusal = whk_refuse(pool, WHK_WEAK_KEY, "%s has %d", "n", 7);
    const whk_outcome_t *failure = whk_fail(pool, WHK_INTERNAL_ERROR, "disk %d", 3);

    (void)state;
    assert_int_equal(refusal->code, WHK_WEAK_KEY);
    assert_string_equal(refusal->message, "n has 7");
    assert_null(refusal->operator_hint);
    assert_int_equal(refusal->retry_after, 0);
    assert_string_equal(failure->message, whk_code_message(WHK_INTERNAL_ERROR));
    assert_string_equal(failure->operator_hint, "disk 3");
    assert_int_equal(failure->retry_after, 0);
    assert_int_equal(whk_fail(pool, WHK_STORE_UNAVAILABLE, "x")->retry_after, 1);
    assert_int_equal(whk_fail(pool, WHK_TOO_BUSY, "x")->retry_after, 1);
}

static void names_of_states_and_events(void **state)
{
    int type;

    (void)state;
    assert_string_equal(whk_key_status_name(WHK_KEY_STATUS_ACTIVE), "ACTIVE");
    assert_string_equal(whk_key_status_name(WHK_KEY_STATUS_REVOKED), "REVOKED");
    for (type = 0; type < WHK_EVENT_TYPE_COUNT; type++)
        assert_non_null(whk_event_type_name((whk_event_type_t)type));
    assert_string_equal(whk_event_type_name(WHK_EVENT_JWKS_URI_KEY_CHANGED),
                        "jwks_uri.key_changed");
}

static void callers(void **state)
{
    char user[] = "admin@example.com";
    whk_caller_t *caller = whk_caller_authorized(pool, user, "acme", NULL, "request-1");
    whk_caller_t *by_hand = whk_caller_operator(pool, "root", "acme");

    (void)state;
    memset(user, 'x', sizeof(user) - 1);
    assert_string_equal(whk_caller_actor(caller), "admin@example.com");
    assert_string_equal(whk_caller_enterprise(caller), "acme");
    assert_null(whk_caller_remote_address(caller));
    assert_string_equal(whk_caller_request_id(caller), "request-1");
    assert_false(whk_caller_is_complete(caller));
    whk_caller_complete(caller);
    assert_true(whk_caller_is_complete(caller));
    assert_false(whk_caller_is_complete(NULL));
    assert_true(whk_caller_is_complete(by_hand));
    assert_string_equal(whk_caller_actor(by_hand), "operator:root");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names),
        cmocka_unit_test(bad_utf8),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(white_space_at_the_ends),
        cmocka_unit_test(lengths),
        cmocka_unit_test(key_ids_and_enterprise_ids),
        cmocka_unit_test(times),
        cmocka_unit_test(times_that_are_read),
        cmocka_unit_test(keys_that_are_due),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(every_code_has_its_row),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(names_of_states_and_events),
        cmocka_unit_test(callers),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("text", tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
