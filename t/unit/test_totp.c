/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "otp/base32.h"
#include "otp/totp.h"

static const char seed[] = "1234567890123456789012345678901234567890123456789012345678901234";

static const whk_totp_t sha1_8 = {"sha1", 8, 30};
static const whk_totp_t sha1_6 = {"sha1", 6, 30};

static const unsigned char *secret_of(const whk_totp_t *totp, apr_size_t *length)
{
    *length = whk_totp_secret_length(totp);
    return (const unsigned char *)seed;
}

/* RFC 6238, appendix B, with the seeds of its erratum 2866: one of the digest's length each. */
static void rfc_6238_appendix_b(void **state)
{
    static const struct {
        apr_int64_t time;
        const char *sha1, *sha256, *sha512;
    } rows[] = {
        {59, "94287082", "46119246", "90693936"},
        {1111111109, "07081804", "68084774", "25091201"},
        {1111111111, "14050471", "67062674", "99943326"},
        {1234567890, "89005924", "91819424", "93441116"},
        {2000000000, "69279037", "90698825", "38618901"},
        {20000000000, "65353130", "77737706", "47863826"},
    };
    static const char *const algorithms[] = {"sha1", "sha256", "sha512"};
    size_t i, j;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *codes[] = {rows[i].sha1, rows[i].sha256, rows[i].sha512};

        for (j = 0; j < 3; j++) {
            whk_totp_t totp = {algorithms[j], 8, 30};
            apr_time_t when = apr_time_from_sec(rows[i].time);
            apr_size_t length;
            const unsigned char *secret = secret_of(&totp, &length);
            apr_int64_t step = -1;
            char code[9];

            assert_int_equal(whk_totp_code(&totp, secret, length, whk_totp_step(&totp, when), code),
                             1);
            assert_string_equal(code, codes[j]);
            totp.digits = 6;
            assert_int_equal(whk_totp_code(&totp, secret, length, whk_totp_step(&totp, when), code),
                             1);
            assert_string_equal(code, codes[j] + 2);
            assert_int_equal(whk_totp_match(&totp, secret, length, when, code, &step), 1);
            assert_int_equal(step, rows[i].time / 30);
        }
    }
}

static void one_step_of_drift_either_way(void **state)
{
    apr_size_t length;
    const unsigned char *secret = secret_of(&sha1_8, &length);
    char code[9];
    int off;

    (void)state;
    whk_totp_code(&sha1_8, secret, length, 1000, code);
    for (off = -3; off <= 3; off++) {
        apr_int64_t step = -7;
        apr_time_t now = apr_time_from_sec((1000 + off) * 30 + 29) + 999999;
        int good = off >= -1 && off <= 1;

        assert_int_equal(whk_totp_match(&sha1_8, secret, length, now, code, &step), good);
        assert_int_equal(step, good ? 1000 : -7);
    }
}

/* Two steps in a row with one code come about once in a million: of this seed, these two. */
static void newest_of_equal_codes(void **state)
{
    static const apr_int64_t newer = 910738;
    static const apr_int64_t expected[] = {newer - 1, newer, newer, newer};
    apr_size_t length;
    const unsigned char *secret = secret_of(&sha1_6, &length);
    char code[9], before[9];
    int i;

    (void)state;
    whk_totp_code(&sha1_6, secret, length, newer, code);
    whk_totp_code(&sha1_6, secret, length, newer - 1, before);
    assert_string_equal(code, before);
    /* At the far edge only the older of the two is in reach. */
    for (i = 0; i < 4; i++) {
        apr_time_t now = apr_time_from_sec((newer - 2 + i) * 30);
        apr_int64_t found = -1;

        assert_int_equal(whk_totp_match(&sha1_6, secret, length, now, code, &found), 1);
        assert_int_equal(found, expected[i]);
    }
}

static void only_exact_digits(void **state)
{
    static const char *const bad[] = {"",        "7",        "28708",
                                      "2870820", "94287082", " 287082",
                                      "287082 ", "28708 ",   "+28708",
                                      "2870\n2", "28708a",   "\xd9\xa2\xd9\xa8\xd9\xa7",
                                      "-87082",  "0x2870",   "\xff\xff\xff\xff\xff\xff"};
    apr_size_t length;
    const unsigned char *secret = secret_of(&sha1_6, &length);
    apr_int64_t step = -7;
    size_t i;

    (void)state;
    assert_int_equal(
        whk_totp_match(&sha1_6, secret, length, apr_time_from_sec(59), "287082", &step), 1);
    assert_int_equal(step, 1);
    step = -7;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
            whk_totp_match(&sha1_6, secret, length, apr_time_from_sec(59), bad[i], &step), 0);
        assert_int_equal(step, -7);
    }
    assert_int_equal(
        whk_totp_match(&sha1_8, secret, length, apr_time_from_sec(59), "287082", &step), 0);
}

static void period_and_parameters(void **state)
{
    static const whk_totp_t good[] = {{"sha1", 6, 15}, {"sha256", 8, 60}, {"sha512", 6, 30}};
    static const whk_totp_t bad[] = {
        {"sha1", 7, 30},  {"sha1", 6, 14},   {"sha1", 6, 61}, {"SHA1", 6, 30}, {"md5", 6, 30},
        {"sha1", 10, 30}, {"sha384", 6, 30}, {"", 6, 30},     {NULL, 6, 30},   {"sha1", 6, 0}};
    apr_int64_t step;
    char code[9];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(whk_totp_valid(&good[i]), 1);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(whk_totp_valid(&bad[i]), 0);
        assert_int_equal(whk_totp_code(&bad[i], (const unsigned char *)seed, 20, 1, code), 0);
        assert_int_equal(
            whk_totp_match(&bad[i], (const unsigned char *)seed, 20, 0, "123456", &step), 0);
    }
    assert_int_equal(whk_totp_step(&good[0], apr_time_from_sec(29)), 1);
    assert_int_equal(whk_totp_step(&good[1], apr_time_from_sec(119)), 1);
    assert_int_equal(whk_totp_secret_length(&good[0]), 20);
    assert_int_equal(whk_totp_secret_length(&good[1]), 32);
    assert_int_equal(whk_totp_secret_length(&good[2]), 64);
}

/* RFC 4648, section 10. */
static void base32(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "MY"},
                                          {"fo", "MZXQ"},
                                          {"foo", "MZXW6"},
                                          {"foob", "MZXW6YQ"},
                                          {"fooba", "MZXW6YTB"},
                                          {"foobar", "MZXW6YTBOI"}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(
            whk_base32_encode(*state, (const unsigned char *)rows[i][0], strlen(rows[i][0])),
            rows[i][1]);
}

static void uri(void **state)
{
    whk_totp_t totp = {"sha256", 8, 60};

    assert_string_equal(whk_totp_uri(*state, &sha1_6, "webhook-keys", "admin@example.com",
                                     (const unsigned char *)"foobar", 6),
                        "otpauth://totp/webhook-keys:admin%40example.com?secret=MZXW6YTBOI&issuer="
                        "webhook-keys&algorithm=SHA1&digits=6&period=30");
    assert_string_equal(whk_totp_uri(*state, &totp, "A & B", "J\xc3\xbcrgen?x=%1:y",
                                     (const unsigned char *)"foobar", 6),
                        "otpauth://totp/A%20%26%20B:J%C3%BCrgen%3Fx%3D%251%3Ay?secret=MZXW6YTBOI&"
                        "issuer=A%20%26%20B&algorithm=SHA256&digits=8&period=60");
}

static int set_up(void **state)
{
    return apr_pool_create((apr_pool_t **)state, NULL);
}

static int tear_down(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_6238_appendix_b),
        cmocka_unit_test(one_step_of_drift_either_way),
        cmocka_unit_test(newest_of_equal_codes),
        cmocka_unit_test(only_exact_digits),
        cmocka_unit_test(period_and_parameters),
        cmocka_unit_test(base32),
        cmocka_unit_test(uri),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("totp", tests, set_up, tear_down);
    apr_terminate();
    return failed;
}
