/* SPDX-License-Identifier: Apache-2.0 */
/* base64url, and the names of algorithms. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <apr_general.h>
#include <cmocka.h>

#include "jose/algorithm.h"
#include "jose/base64url.h"

static apr_pool_t *pool;

static int decodes(const char *text)
{
    unsigned char *bytes;
    apr_size_t length;

    return whk_base64url_decode(pool, text, strlen(text), &bytes, &length);
}

/* RFC 4648, section 10, without the padding. */
static void vectors(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    unsigned char *bytes;
    apr_size_t length;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *plain = rows[i][0];

        assert_string_equal(whk_base64url_encode(pool, (const unsigned char *)plain, strlen(plain)),
                            rows[i][1]);
        assert_true(whk_base64url_decode(pool, rows[i][1], strlen(rows[i][1]), &bytes, &length));
        assert_int_equal(length, strlen(plain));
        assert_string_equal((const char *)bytes, plain);
    }
}

/* RFC 7515, appendix C. */
static void alphabet(void **state)
{
    static const unsigned char bytes[] = {3, 236, 255, 224, 193};

    (void)state;
    assert_string_equal(whk_base64url_encode(pool, bytes, sizeof(bytes)), "A-z_4ME");
    assert_true(decodes("A-z_4ME"));
}

static void round_trips(void **state)
{
    unsigned char bytes[256];
    unsigned char *decoded;
    apr_size_t length;
    apr_size_t i;

    (void)state;
    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 167 + 13);
    for (i = 0; i <= sizeof(bytes); i++) {
        const char *text = whk_base64url_encode(pool, bytes, i);

        assert_true(whk_base64url_decode(pool, text, strlen(text), &decoded, &length));
        assert_int_equal(length, i);
        assert_memory_equal(decoded, bytes, i);
    }
}

static void refused(void **state)
{
    static const char *const texts[] = {"A",     "AAAAA", "Zg==", "Zm8=", "Zm9v=", "Zm9v\n",
                                        " Zm9v", "Zm 9v", "Zm+v", "Zm/v", "Zm9.",  "Zm9\xC3",
                                        "Zm9@",  "Zm9[",  "Zm9`", "Zm9{", "=",     "===="};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (decodes(texts[i]))
            fail_msg("\"%s\" was decoded", texts[i]);
    assert_false(whk_base64url_decode(pool, "Zm\0v", 4, NULL, NULL));
}

/* Of the spellings that differ in unused bits alone, one is good. */
static void one_spelling(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char two[] = "Z?";
    char three[] = "Zm?";
    int good_two = 0;
    int good_three = 0;
    size_t i;

    (void)state;
    for (i = 0; i < 64; i++) {
        two[1] = digits[i];
        three[2] = digits[i];
        good_two += decodes(two);
        good_three += decodes(three);
    }
    assert_int_equal(good_two, 4);
    assert_int_equal(good_three, 16);
}

static void algorithm_names(void **state)
{
    (void)state;
    assert_int_equal(whk_algorithm_by_name("EdDSA"), WHK_ALG_EDDSA);
    assert_int_equal(whk_algorithm_by_name("Ed25519"), WHK_ALG_EDDSA);
    assert_int_equal(whk_algorithm_by_name("Ed448"), WHK_ALG_ED448);
    assert_int_equal(whk_algorithm_by_name("PS512"), WHK_ALG_PS512);
    assert_int_equal(whk_algorithm_by_name("es256"), 0);
    assert_int_equal(whk_algorithm_by_name("none"), 0);
    assert_int_equal(whk_algorithm_by_name("HS256"), 0);
    assert_int_equal(whk_algorithm_by_name(""), 0);
    assert_string_equal(whk_algorithms_names(pool, WHK_ALGORITHMS_DEFAULT),
                        "EdDSA ES256 ES384 ES512");
    assert_string_equal(whk_algorithms_names(pool, ~0u),
                        "EdDSA Ed448 ES256 ES384 ES512 ES256K RS256 RS384 RS512 PS256 PS384 PS512");
    assert_string_equal(whk_algorithms_names(pool, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),      cmocka_unit_test(alphabet),
        cmocka_unit_test(round_trips),  cmocka_unit_test(refused),
        cmocka_unit_test(one_spelling), cmocka_unit_test(algorithm_names),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("base64url", tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
