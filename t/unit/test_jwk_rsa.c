/* SPDX-License-Identifier: Apache-2.0 */
/* What an RSA key must be: sizes, exponents, a modulus that nobody can take apart, and one that
 * OpenSSL verifies with. */

#include "jwk_rules_fixture.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "jose/base64url.h"
#include "jose/jwk.h"
#include "jose/jwk_set.h"
#include "jose/openssl_pool.h"
#include "jose/signature.h"

static void set_number(json_t *json, const char *member, const BIGNUM *number)
{
    int length = BN_num_bytes(number);
    unsigned char *bytes = apr_palloc(pool, (apr_size_t)length);

    BN_bn2bin(number, bytes);
    json_object_set_new(json, member,
                        json_string(whk_base64url_encode(pool, bytes, (apr_size_t)length)));
}

static void judge_number(const BIGNUM *modulus, whk_code_t code, const char *message,
                         const char *title)
{
    json_t *json = read_json(RFC_7517_RSA);

    set_number(json, "n", modulus);
    judge(json, EVERY_ALGORITHM, code, message, title);
}

static int has_factor_below(const BIGNUM *number, BN_ULONG most)
{
    BN_ULONG divisor;

    for (divisor = 3; divisor < most; divisor += 2)
        if (BN_mod_word(number, divisor) == 0)
            return 1;
    return 0;
}

/* An odd number of so many bits, the first of those after a start that has no small factor. */
static BIGNUM *make_modulus(int bits)
{
    BIGNUM *number = whk_pool_adopt_bignum(pool, BN_new());

    BN_one(number);
    BN_lshift(number, number, bits - 1);
    BN_set_bit(number, bits / 2);
    BN_add_word(number, 1);
    while (has_factor_below(number, 10000))
        BN_add_word(number, 2);
    return number;
}

static void judge_modulus(int bits, int more, whk_code_t code, const char *message)
{
    BIGNUM *modulus = make_modulus(bits);

    BN_add_word(modulus, (BN_ULONG)more);
    judge_number(modulus, code, message, apr_psprintf(pool, "%d bits", bits));
}

/* Moduli that are no product of two large primes, as far as anybody can tell. */
static void rsa_factors(void **state)
{
    static const BN_ULONG factors[] = {3, 5, 751, 757, 4999, 9973};
    BN_CTX *context = whk_pool_adopt_bignum_context(pool, BN_CTX_new());
    BIGNUM *prime = whk_pool_adopt_bignum(pool, BN_new());
    BIGNUM *number = whk_pool_adopt_bignum(pool, BN_new());
    size_t i;

    (void)state;
    BN_one(number);
    BN_lshift(number, number, 2048);
    BN_sub_word(number, 1);
    judge_number(number, WHK_WEAK_KEY, ".n has a small factor", "2^2048 - 1");
    for (i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        BN_copy(number, make_modulus(2048));
        while (BN_mod_word(number, factors[i]) != 0 || has_factor_below(number, factors[i]))
            BN_add_word(number, 2);
        judge_number(number, WHK_WEAK_KEY, ".n has a small factor",
                     apr_psprintf(pool, "%d", (int)factors[i]));
    }
    assert_int_equal(BN_generate_prime_ex(prime, 2048, 0, NULL, NULL, NULL), 1);
    judge_number(prime, WHK_WEAK_KEY, ".n must be the product of two large primes", "a prime");
    do
        assert_int_equal(BN_generate_prime_ex(prime, 1024, 0, NULL, NULL, NULL), 1);
    while (BN_sqr(number, prime, context) && BN_num_bits(number) < 2048);
    judge_number(number, WHK_WEAK_KEY, ".n must be the product of two large primes", "a square");
}

/* A key that was found good is not judged anew, and another one is. */
static void judged_again(void **state)
{
    json_t *json = read_json(RFC_7517_RSA);
    const char *thumbprint = good_jwk(json)->thumbprint;
    json_t *set = read_json("{'keys':[]}");
    const char *const known[] = {NULL, thumbprint, "another"};
    const whk_jwk_t *jwk;
    BIGNUM *weak = whk_pool_adopt_bignum(pool, BN_new());
    size_t i;

    (void)state;
    json_array_append(json_object_get(set, "keys"), json);
    for (i = 0; i < 3; i++) {
        assert_null(
            whk_jwk_set_find_known(&jwk, set, "2011-04-29", known[i], EVERY_ALGORITHM, pool));
        assert_string_equal(jwk->thumbprint, thumbprint);
    }
    BN_one(weak);
    BN_lshift(weak, weak, 2048);
    BN_sub_word(weak, 1);
    set_number(json, "n", weak);
    for (i = 0; i < 3; i++)
        assert_refused(
            whk_jwk_set_find_known(&jwk, set, "2011-04-29", known[i], EVERY_ALGORITHM, pool),
            WHK_WEAK_KEY, "(jwksUri).keys[0].n has a small factor", "weak");
    /* One that registered while the rules were milder goes on. */
    jwk = whk_jwk_load(apr_psprintf(pool,
                                    "{\"alg\":\"RS256\",\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":"
                                    "\"%s\"}",
                                    json_string_value(json_object_get(json, "n"))),
                       pool);
    assert_non_null(jwk);
    assert_null(
        whk_jwk_set_find_known(&jwk, set, "2011-04-29", jwk->thumbprint, EVERY_ALGORITHM, pool));
    /* What is cheap is judged again all the same. */
    json_object_set_new(json, "n", json_string(RFC_7517_N));
    json_object_set_new(json, "d", json_string("AQAB"));
    assert_refused(
        whk_jwk_set_find_known(&jwk, set, "2011-04-29", thumbprint, EVERY_ALGORITHM, pool),
        WHK_PRIVATE_KEY_MATERIAL, "(jwksUri).keys[0].d", "private");
}

/* Does OpenSSL get as far as a number? */
static int computes(EVP_PKEY *pkey, apr_size_t length)
{
    EVP_PKEY_CTX *context =
        whk_pool_adopt_pkey_context(pool, EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL));
    unsigned char signature[1024] = {0};
    unsigned char recovered[1024];
    size_t size = sizeof(recovered);

    signature[length - 1] = 7;
    return EVP_PKEY_verify_recover_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
           EVP_PKEY_verify_recover(context, recovered, &size, signature, length) == 1;
}

/* Whatever registers must do where it counts: a signature that nobody made is bad, and that is all
 * that is found. */
static void rsa_limits(void **state)
{
    static const int sizes[] = {2048, 3072, 3073, 4096, 8192};
    static const int powers[] = {16, 32, 63, 64, 66, 255};
    whk_algorithm_t algorithm = WHK_ALG_RS256;
    unsigned char signature[1024] = {0};
    BIGNUM *exponent = whk_pool_adopt_bignum(pool, BN_new());
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        BIGNUM *modulus = make_modulus(sizes[i]);

        for (j = 0; j < sizeof(powers) / sizeof(powers[0]); j++) {
            json_t *json = read_json(RFC_7517_RSA);
            const whk_jwk_t *jwk;
            apr_size_t length = (apr_size_t)(sizes[i] + 7) / 8;
            whk_bytes_t text = {"text", 4};

            BN_one(exponent);
            BN_lshift(exponent, exponent, powers[j]);
            BN_add_word(exponent, 1);
            set_number(json, "n", modulus);
            set_number(json, "e", exponent);
            if (powers[j] >= 64) {
                judge(json, EVERY_ALGORITHM, WHK_WEAK_KEY, ".e must be odd", "too long");
                continue;
            }
            jwk = good_jwk(json);
            assert_true(computes(jwk->pkey, length));
            signature[length - 1] = 7;
            assert_false(whk_signature_verify(jwk, algorithm, &text, 1, signature, length, pool));
            signature[length - 1] = 0;
        }
    }
}

static void rsa_moduli(void **state)
{
    static const row_t rows[] = {
        {RFC_7517_RSA, "n", NULL, WHK_INVALID_JWKS, ".n is missing"},
        {RFC_7517_RSA, "n", "''", WHK_INVALID_JWKS, ".n must be base64url"},
        {RFC_7517_RSA, "n", "'AA'", WHK_INVALID_JWKS, ".n must be a number without leading"},
        {RFC_7517_RSA, "n", "'" RFC_7517_N "='", WHK_INVALID_JWKS, ".n must be base64url"},
        {RFC_7517_RSA, "n", "65537", WHK_INVALID_JWKS, ".n must be a string"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
    judge_modulus(1024, 0, WHK_WEAK_KEY, ".n must have 2048 to 8192 bits, and has 1024");
    judge_modulus(2047, 0, WHK_WEAK_KEY, ".n must have 2048 to 8192 bits, and has 2047");
    judge_modulus(2048, 0, GOOD, "");
    judge_modulus(2048, 1, WHK_WEAK_KEY, ".n must be odd");
    judge_modulus(8192, 0, GOOD, "");
    judge_modulus(8193, 0, WHK_WEAK_KEY, ".n must have 2048 to 8192 bits, and has 8193");
}

static void rsa_exponents(void **state)
{
    static const row_t rows[] = {
        {RFC_7517_RSA, "e", NULL, WHK_INVALID_JWKS, ".e is missing"},
        {RFC_7517_RSA, "e", "''", WHK_INVALID_JWKS, ".e must be base64url"},
        {RFC_7517_RSA, "e", "'AAEAAQ'", WHK_INVALID_JWKS, ".e must be a number without leading"},
        {RFC_7517_RSA, "e", "'AQ'", WHK_WEAK_KEY, ".e must be odd, at least 65537"},
        {RFC_7517_RSA, "e", "'Aw'", WHK_WEAK_KEY, ".e must be odd"},
        {RFC_7517_RSA, "e", "'__8'", WHK_WEAK_KEY, ".e must be odd"},
        {RFC_7517_RSA, "e", "'AQAA'", WHK_WEAK_KEY, ".e must be odd"},
        {RFC_7517_RSA, "e", "'AQAC'", WHK_WEAK_KEY, ".e must be odd"},
        {RFC_7517_RSA, "e", "'AQAD'", GOOD, ""},
        /* 2^64 - 1, 2^64 + 1 and 2^256 - 1 */
        {RFC_7517_RSA, "e", "'__________8'", GOOD, ""},
        {RFC_7517_RSA, "e", "'AQAAAAAAAAAB'", WHK_WEAK_KEY, ".e must be odd"},
        {RFC_7517_RSA, "e", "'__________________________________________8'", WHK_WEAK_KEY,
         ".e must be odd"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_factors),   cmocka_unit_test(judged_again),
        cmocka_unit_test(rsa_limits),    cmocka_unit_test(rsa_moduli),
        cmocka_unit_test(rsa_exponents),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jwk_rsa", tests, make_pool, destroy_pool);
    apr_terminate();
    return failed;
}
