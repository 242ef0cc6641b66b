/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of docs/api.md, "What a JWK must be": a case that passes, and what fails. */

#include "jwk_rules_fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include "jose/base64url.h"

static void kty_and_crv(void **state)
{
    static const row_t rows[] = {
        {RFC_8037, "kty", NULL, WHK_INVALID_JWKS, ".kty is missing"},
        {RFC_8037, "kty", "null", WHK_INVALID_JWKS, ".kty must be a string"},
        {RFC_8037, "kty", "7", WHK_INVALID_JWKS, ".kty must be a string"},
        {RFC_8037, "kty", "'okp'", WHK_UNSUPPORTED_KEY, ".kty must be"},
        {RFC_8037, "kty", "'oct'", WHK_UNSUPPORTED_KEY, ".kty must be"},
        {RFC_8037, "kty", "'AKP'", WHK_UNSUPPORTED_KEY, ".kty must be"},
        {RFC_8037, "kty", "'EC'", WHK_UNSUPPORTED_KEY, ".crv must be"},
        {RFC_8037, "kty", "'RSA'", WHK_INVALID_JWKS, ".n is missing"},
        {RFC_8037, "crv", NULL, WHK_INVALID_JWKS, ".crv is missing"},
        {RFC_8037, "crv", "[]", WHK_INVALID_JWKS, ".crv must be a string"},
        {RFC_8037, "crv", "'X25519'", WHK_UNSUPPORTED_KEY, ".crv must be"},
        {RFC_8037, "crv", "'P-256'", WHK_UNSUPPORTED_KEY, ".crv must be"},
        {RFC_8037, "crv", "'ed25519'", WHK_UNSUPPORTED_KEY, ".crv must be"},
        {RFC_7517_EC, "crv", "'P-224'", WHK_UNSUPPORTED_KEY, ".crv must be"},
        {RFC_7517_EC, "crv", "'prime256v1'", WHK_UNSUPPORTED_KEY, ".crv must be"},
        {RFC_7517_EC, "crv", "'secp256k1'", WHK_INVALID_JWKS, " must hold an x and a y"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

/* The message lists what is turned on, and repeats nothing but a short plain name. */
static void what_messages_tell(void **state)
{
    json_t *json = read_json(RFC_7517_RSA);

    (void)state;
    assert_string_equal(parse(json, WHK_ALGORITHMS_DEFAULT)->message,
                        "jwks.keys[0].kty must be that of a key that is accepted here (OKP "
                        "Ed25519, EC P-256, EC P-384, EC P-521), and is RSA");
    json_object_set_new(json, "kty", json_string("<script>"));
    assert_null(strstr(parse(json, EVERY_ALGORITHM)->message, "script"));
    json_object_set_new(json, "kty", json_string("a-secret-that-is-longer-than-that"));
    assert_null(strstr(parse(json, EVERY_ALGORITHM)->message, "secret"));
}

static void turned_on(void **state)
{
    static const struct {
        const char *jwk;
        whk_algorithms_t enabled;
        whk_code_t code;
        const char *message;
    } rows[] = {
        {RFC_8037, WHK_ALG_EDDSA, GOOD, ""},
        {RFC_8037, WHK_ALG_ED448, WHK_UNSUPPORTED_KEY, ".crv"},
        {RFC_7517_EC, WHK_ALG_ES256, GOOD, ""},
        {RFC_7517_EC, ~(unsigned int)WHK_ALG_ES256, WHK_UNSUPPORTED_KEY, ".crv"},
        {RFC_7517_RSA, WHK_ALGORITHMS_DEFAULT, WHK_UNSUPPORTED_KEY, ".kty"},
        {RFC_7517_RSA, WHK_ALG_RS256, GOOD, ""},
        {RFC_7517_RSA, WHK_ALG_PS256, WHK_UNSUPPORTED_KEY, ".alg"},
        {"{'kty':'RSA','e':'AQAB','n':'" RFC_7517_N "'}", WHK_ALG_PS256, GOOD, ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        judge(read_json(rows[i].jwk), rows[i].enabled, rows[i].code, rows[i].message, rows[i].jwk);
}

/* Whatever else is wrong with the JWK. */
static void private_members(void **state)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    static const char *const jwks[] = {RFC_8037, RFC_7517_EC, RFC_7517_RSA, "{'kty':'oct'}", "{}"};
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < sizeof(jwks) / sizeof(jwks[0]); i++)
        for (j = 0; j < sizeof(members) / sizeof(members[0]); j++) {
            json_t *json = read_json(jwks[i]);

            json_object_set_new(json, members[j], json_string("hunter2"));
            judge(json, WHK_ALG_ES256, WHK_PRIVATE_KEY_MATERIAL,
                  apr_psprintf(pool, ".%s belongs", members[j]), jwks[i]);
            assert_null(strstr(parse(json, WHK_ALG_ES256)->message, "hunter2"));
            assert_non_null(strstr(parse(json, WHK_ALG_ES256)->message, "compromised"));
        }
}

static void use_and_key_ops(void **state)
{
    static const row_t rows[] = {
        {RFC_8037, "use", "'sig'", GOOD, ""},
        {RFC_8037, "use", "'enc'", WHK_INVALID_JWKS, ".use must be \"sig\""},
        {RFC_8037, "use", "'SIG'", WHK_INVALID_JWKS, ".use"},
        {RFC_8037, "use", "null", WHK_INVALID_JWKS, ".use"},
        {RFC_8037, "use", "['sig']", WHK_INVALID_JWKS, ".use"},
        {RFC_8037, "key_ops", "['verify']", GOOD, ""},
        {RFC_8037, "key_ops", "[]", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "'verify'", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "['verify','verify']", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "['sign']", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "['verify','sign']", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "['encrypt','verify']", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "[1]", WHK_INVALID_JWKS, ".key_ops"},
        {RFC_8037, "key_ops", "null", WHK_INVALID_JWKS, ".key_ops"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

static void alg(void **state)
{
    static const row_t rows[] = {
        {RFC_8037, "alg", "'EdDSA'", GOOD, ""},
        {RFC_8037, "alg", "'Ed25519'", GOOD, ""},
        {RFC_8037, "alg", "'Ed448'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_8037, "alg", "'ES256'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_8037, "alg", "'none'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_8037, "alg", "''", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_8037, "alg", "null", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_7517_EC, "alg", "'ES256'", GOOD, ""},
        {RFC_7517_EC, "alg", "'ES384'", WHK_INVALID_JWKS, ".alg must fit a key of P-256 (ES256)"},
        {RFC_7517_EC, "alg", "'ES256K'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_7517_EC, "alg", "'ECDH-ES'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_7517_EC, "alg", "'EdDSA'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_7517_RSA, "alg", "'PS384'", GOOD, ""},
        {RFC_7517_RSA, "alg", "'HS256'", WHK_INVALID_JWKS, ".alg must fit"},
        {RFC_7517_RSA, "alg", "'RSA-OAEP'", WHK_INVALID_JWKS, ".alg must fit"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

/* The one algorithm that a JWK names, under the name it used. */
static void alg_is_kept(void **state)
{
    json_t *json = read_json(RFC_8037);

    (void)state;
    json_object_set_new(json, "alg", json_string("Ed25519"));
    assert_int_equal(good_jwk(json)->algorithms, WHK_ALG_EDDSA);
    assert_string_equal(good_jwk(json)->public_json,
                        "{\"alg\":\"Ed25519\",\"crv\":\"Ed25519\",\"kty\":\"OKP\","
                        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
    assert_string_equal(good_jwk(json)->thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

static void kid(void **state)
{
    static const row_t rows[] = {
        {RFC_8037, "kid", "'a/b%2F+ c'", GOOD, ""},
        {RFC_8037, "kid", "''", WHK_INVALID_JWKS, ".kid must be 1 to 255"},
        {RFC_8037, "kid", "null", WHK_INVALID_JWKS, ".kid must be a string"},
        {RFC_8037, "kid", "7", WHK_INVALID_JWKS, ".kid must be a string"},
        {RFC_8037, "kid", "'..'", WHK_INVALID_JWKS, ".kid must not be . or .."},
        {RFC_8037, "kid", "' a'", WHK_INVALID_JWKS, ".kid must not begin or end"},
        {RFC_8037, "kid", "'a\\u0007'", WHK_INVALID_JWKS, ".kid must hold no control"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

static void coordinates(void **state)
{
    static const row_t rows[] = {
        {RFC_8037, "x", NULL, WHK_INVALID_JWKS, ".x is missing"},
        {RFC_8037, "x", "null", WHK_INVALID_JWKS, ".x must be a string"},
        {RFC_8037, "x", "''", WHK_INVALID_JWKS, ".x must be base64url of 32 bytes, and is of 0"},
        {RFC_8037, "x", "'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR'", WHK_INVALID_JWKS, ".x"},
        {RFC_8037, "x", "'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcH'", WHK_INVALID_JWKS,
         ".x must be base64url of 32 bytes, and is of 30"},
        {RFC_8037, "x", "'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURoA'", WHK_INVALID_JWKS,
         ".x must be base64url of 32 bytes, and is of 33"},
        {RFC_8037, "x", "'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo='", WHK_INVALID_JWKS,
         ".x must be base64url without padding"},
        {RFC_8037, "x", "'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp'", WHK_INVALID_JWKS,
         ".x must be base64url without padding"},
        {RFC_8037, "x", "'11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo'", WHK_INVALID_JWKS,
         ".x must be base64url without padding"},
        {RFC_7517_EC, "y", NULL, WHK_INVALID_JWKS, ".y is missing"},
        {RFC_7517_EC, "y", "'4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFw'", WHK_INVALID_JWKS,
         ".y must be base64url of 32 bytes, and is of 31"},
        {RFC_7517_EC, "x", "'ADCgQk0hwpSRIOIoKu3LKzdnrr2IOJPxOLTu6KMCq_Ds'", WHK_INVALID_JWKS,
         ".x must be base64url of 32 bytes, and is of 33"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

static void points_on_elliptic_curves(void **state)
{
    static const row_t rows[] = {
        {RFC_7517_EC, "y", "'4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyI'", WHK_INVALID_JWKS,
         " must hold an x and a y"},
        {RFC_7517_EC, "y", "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", WHK_INVALID_JWKS,
         " must hold an x and a y"},
        /* x = p, and 2^256 - 1 */
        {RFC_7517_EC, "x", "'_____wAAAAEAAAAAAAAAAAAAAAD_______________8'", WHK_INVALID_JWKS,
         " must hold an x and a y"},
        {RFC_7517_EC, "x", "'__________________________________________8'", WHK_INVALID_JWKS,
         " must hold an x and a y"},
        /* would be the point at infinity in some encodings */
        {"{'kty':'EC','crv':'P-256','x':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}", "y",
         "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", WHK_INVALID_JWKS,
         " must hold an x and a y"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

/* A coordinate + p that still fits: P-521's field leaves room in 66 bytes. */
static void coordinates_beyond_the_field(void **state)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-521");
    unsigned char point[133];
    unsigned char x[66];
    size_t length;
    int i;
    int carry = 0;
    json_t *json = read_json("{'kty':'EC','crv':'P-521'}");

    (void)state;
    EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &length);
    json_object_set_new(json, "x", json_string(whk_base64url_encode(pool, point + 1, 66)));
    json_object_set_new(json, "y", json_string(whk_base64url_encode(pool, point + 67, 66)));
    judge(json, EVERY_ALGORITHM, GOOD, "", "as made");
    for (i = 65; i >= 0; i--) {
        carry += point[1 + i] + (i == 0 ? 0x01 : 0xFF);
        x[i] = (unsigned char)carry;
        carry >>= 8;
    }
    json_object_set_new(json, "x", json_string(whk_base64url_encode(pool, x, 66)));
    judge(json, EVERY_ALGORITHM, WHK_INVALID_JWKS, " must hold an x and a y", "x + p");
    EVP_PKEY_free(pkey);
}

static void points_on_ed25519(void **state)
{
    static const row_t rows[] = {
        /* y = 3, which is on the curve, and y = 2, which is not */
        {RFC_8037, "x", "'AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", GOOD, ""},
        {RFC_8037, "x", "'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", WHK_INVALID_JWKS,
         ".x must be a point"},
        /* the eight points of small order: 1, -1, 0 twice, and four of order 8 */
        {RFC_8037, "x", "'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'7P_______________________________________38'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o'", WHK_WEAK_KEY, ".x is"},
        {RFC_8037, "x", "'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o'", WHK_WEAK_KEY, ".x is"},
        /* x = 0 with a sign, for y = 1 and -1 */
        {RFC_8037, "x", "'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {RFC_8037, "x", "'7P________________________________________8'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        /* y = p, p + 1, p + 3, 2^255 - 1, and the last with a sign */
        {RFC_8037, "x", "'7f_______________________________________38'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {RFC_8037, "x", "'7v_______________________________________38'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {RFC_8037, "x", "'8P_______________________________________38'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {RFC_8037, "x", "'_________________________________________38'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {RFC_8037, "x", "'__________________________________________8'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

#define ED448 "{'kty':'OKP','crv':'Ed448'}"
#define A19 "AAAAAAAAAAAAAAAAAAA"
#define U19 "___________________"

static void points_on_ed448(void **state)
{
    static const row_t rows[] = {
        /* y = 3 is on the curve, y = 2 is not */
        {ED448, "x", "'Aw" A19 A19 A19 "AAAAAAAAAAAAAAAAA'", GOOD, ""},
        {ED448, "x", "'Ag" A19 A19 A19 "AAAAAAAAAAAAAAAAA'", WHK_INVALID_JWKS,
         ".x must be a point"},
        /* the four points of small order: 1, -1, 0 twice */
        {ED448, "x", "'AQ" A19 A19 A19 "AAAAAAAAAAAAAAAAA'", WHK_WEAK_KEY, ".x is"},
        {ED448, "x", "'_v" U19 "_________________7" U19 "________________8A'", WHK_WEAK_KEY,
         ".x is"},
        {ED448, "x", "'AA" A19 A19 A19 "AAAAAAAAAAAAAAAAA'", WHK_WEAK_KEY, ".x is"},
        {ED448, "x", "'AA" A19 A19 A19 "AAAAAAAAAAAAAAACA'", WHK_WEAK_KEY, ".x is"},
        /* x = 0 with a sign, y = p, y with a bit of the last byte */
        {ED448, "x", "'AQ" A19 A19 A19 "AAAAAAAAAAAAAAACA'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {ED448, "x", "'__" U19 "_________________7" U19 "________________8A'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {ED448, "x", "'AA" A19 A19 A19 "AAAAAAAAAAAAAAAAB'", WHK_INVALID_JWKS,
         ".x must be the canonical"},
        {ED448, "x", "'AAAA'", WHK_INVALID_JWKS, ".x must be base64url of 57 bytes"},
    };

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
}

/* A self-signed certificate, as x5c spells it. */
static json_t *certificate_of(EVP_PKEY *pkey)
{
    X509 *certificate = X509_new();
    unsigned char *der = NULL;
    char *text;
    int length;

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, pkey);
    assert_true(X509_sign(certificate, pkey, EVP_sha256()) > 0);
    length = i2d_X509(certificate, &der);
    text = apr_palloc(pool, (apr_size_t)length * 2 + 4);
    EVP_EncodeBlock((unsigned char *)text, der, length);
    OPENSSL_free(der);
    X509_free(certificate);
    return json_string(text);
}

static json_t *jwk_of(EVP_PKEY *pkey)
{
    unsigned char point[65];
    size_t length;
    json_t *json = read_json("{'kty':'EC','crv':'P-256'}");

    EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &length);
    json_object_set_new(json, "x", json_string(whk_base64url_encode(pool, point + 1, 32)));
    json_object_set_new(json, "y", json_string(whk_base64url_encode(pool, point + 33, 32)));
    return json;
}

static void certificates(void **state)
{
    EVP_PKEY *own = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    json_t *jwk = jwk_of(own);
    json_t *x5c = json_array();
    const char *text;

    (void)state;
    json_object_set(jwk, "x5c", x5c);
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c must be an array of 1 to 10", "none");
    json_array_append_new(x5c, certificate_of(own));
    judge(jwk, EVERY_ALGORITHM, GOOD, "", "own");
    json_array_append_new(x5c, certificate_of(other));
    judge(jwk, EVERY_ALGORITHM, GOOD, "", "own, then another");
    json_array_set_new(x5c, 1, json_string("AAAA"));
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c[1] must be base64", "own, then none");
    json_array_set_new(x5c, 0, certificate_of(other));
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c[0] must certify", "another");
    while (json_array_size(x5c) < 11)
        json_array_append_new(x5c, certificate_of(own));
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c must be an array", "eleven");
    json_array_clear(x5c);
    json_array_append_new(x5c, json_null());
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c[0] must be base64", "null");
    text = json_string_value(whk_json_adopt(pool, certificate_of(own)));
    json_array_set_new(x5c, 0, json_string(apr_pstrcat(pool, text, "\n", NULL)));
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c[0] must be base64", "a line's end");
    json_array_set_new(x5c, 0, json_string(apr_pstrcat(pool, "AAAA", text, NULL)));
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c[0] must be base64", "bytes before");
    json_object_set_new(jwk, "x5c", json_string(text));
    judge(jwk, EVERY_ALGORITHM, WHK_INVALID_JWKS, ".x5c must be an array", "a string");
    json_decref(x5c);
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
}

static void other_members(void **state)
{
    static const row_t rows[] = {
        {RFC_8037, "x5u", "'http://127.0.0.1/'", GOOD, ""},
        {RFC_8037, "x5t", "'AAAA'", GOOD, ""},
        {RFC_8037, "ext", "true", GOOD, ""},
        {RFC_8037, "y", "'not base64url'", GOOD, ""},
    };
    static const char *const scalars[] = {"null", "true", "7", "'x'", "[]", "[" RFC_8037 "]"};
    size_t i;

    (void)state;
    JUDGE_ROWS(rows, EVERY_ALGORITHM);
    for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
        judge(read_json(scalars[i]), EVERY_ALGORITHM, WHK_INVALID_JWKS, " must be an object",
              scalars[i]);
}

/* A JWK that is wrong in two ways gets the earlier answer. */
static void order(void **state)
{
    static const struct {
        const char *jwk;
        whk_code_t code;
        const char *message;
    } rows[] = {
        {"{'kty':'x','d':'x'}", WHK_PRIVATE_KEY_MATERIAL, ".d"},
        {"{'kty':'EC','crv':'x','use':'enc'}", WHK_UNSUPPORTED_KEY, ".crv"},
        {"{'kty':'OKP','crv':'Ed448','use':'enc'}", WHK_UNSUPPORTED_KEY, ".crv"},
        {"{'kty':'EC','crv':'P-256','use':'enc','key_ops':1}", WHK_INVALID_JWKS, ".use"},
        {"{'kty':'EC','crv':'P-256','key_ops':1,'alg':1}", WHK_INVALID_JWKS, ".key_ops"},
        {"{'kty':'EC','crv':'P-256','alg':1,'kid':1}", WHK_INVALID_JWKS, ".alg"},
        {"{'kty':'EC','crv':'P-256','kid':1,'x':1}", WHK_INVALID_JWKS, ".kid"},
        {"{'kty':'EC','crv':'P-256','x':1,'x5c':1}", WHK_INVALID_JWKS, ".x "},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        judge(read_json(rows[i].jwk), WHK_ALGORITHMS_DEFAULT, rows[i].code, rows[i].message,
              rows[i].jwk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kty_and_crv),
        cmocka_unit_test(what_messages_tell),
        cmocka_unit_test(turned_on),
        cmocka_unit_test(private_members),
        cmocka_unit_test(use_and_key_ops),
        cmocka_unit_test(alg),
        cmocka_unit_test(alg_is_kept),
        cmocka_unit_test(kid),
        cmocka_unit_test(coordinates),
        cmocka_unit_test(points_on_elliptic_curves),
        cmocka_unit_test(coordinates_beyond_the_field),
        cmocka_unit_test(points_on_ed25519),
        cmocka_unit_test(points_on_ed448),
        cmocka_unit_test(certificates),
        cmocka_unit_test(other_members),
        cmocka_unit_test(order),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jwk_rules", tests, make_pool, destroy_pool);
    apr_terminate();
    return failed;
}
