/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are good: those of the RFCs and freshly made ones; sets; stored keys read back. */

#include "jwk_fixture.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "jose/base64url.h"
#include "jose/jwk.h"
#include "jose/jwk_set.h"

/* RFC 8037, appendices A.2 and A.3. */
static void rfc_8037(void **state)
{
    const whk_jwk_t *jwk = good_jwk(read_json(RFC_8037));

    (void)state;
    assert_string_equal(jwk->thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_string_equal(jwk->family, "EdDSA");
    assert_int_equal(jwk->algorithms, WHK_ALG_EDDSA);
    assert_null(jwk->kid);
    assert_true(EVP_PKEY_is_a(jwk->pkey, "ED25519"));
    assert_string_equal(jwk->public_json, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\","
                                          "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
}

/* RFC 7638, section 3.1. */
static void rfc_7638(void **state)
{
    const whk_jwk_t *jwk = good_jwk(read_json(RFC_7517_RSA));

    (void)state;
    assert_string_equal(jwk->thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_string_equal(jwk->family, "RSA");
    assert_string_equal(jwk->kid, "2011-04-29");
    assert_int_equal(jwk->algorithms, WHK_ALG_RS256);
    assert_int_equal(EVP_PKEY_get_bits(jwk->pkey), 2048);
    assert_string_equal(jwk->public_json, "{\"alg\":\"RS256\",\"e\":\"AQAB\",\"kty\":\"RSA\","
                                          "\"n\":\"" RFC_7517_N "\"}");
}

static void rfc_7517(void **state)
{
    const whk_jwk_t *jwk = good_jwk(read_json(RFC_7517_EC));
    json_t *rsa = read_json(RFC_7517_RSA);

    (void)state;
    assert_string_equal(jwk->family, "ECDSA");
    assert_string_equal(jwk->kid, "1");
    assert_int_equal(jwk->algorithms, WHK_ALG_ES256);
    assert_true(EVP_PKEY_is_a(jwk->pkey, "EC"));
    assert_string_equal(jwk->public_json, "{\"crv\":\"P-256\",\"kty\":\"EC\","
                                          "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                                          "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}");
    json_object_del(rsa, "alg");
    assert_int_equal(good_jwk(rsa)->algorithms, WHK_ALGORITHMS_RSA);
}

static void set_number(json_t *json, const char *member, const EVP_PKEY *pkey, const char *name,
                       int length)
{
    unsigned char bytes[1024];
    BIGNUM *number = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    if (length == 0)
        length = BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, length), length);
    BN_free(number);
    json_object_set_new(json, member,
                        json_string(whk_base64url_encode(pool, bytes, (apr_size_t)length)));
}

static void assert_same_key(const json_t *json, const EVP_PKEY *pkey)
{
    const whk_jwk_t *jwk = good_jwk(json);
    const whk_jwk_t *loaded = whk_jwk_load(jwk->public_json, pool);

    assert_int_equal(EVP_PKEY_eq(jwk->pkey, pkey), 1);
    assert_non_null(loaded);
    assert_int_equal(EVP_PKEY_eq(loaded->pkey, pkey), 1);
    assert_string_equal(loaded->public_json, jwk->public_json);
    assert_string_equal(loaded->thumbprint, jwk->thumbprint);
    assert_string_equal(loaded->family, jwk->family);
    assert_int_equal(loaded->algorithms, jwk->algorithms);
    assert_null(loaded->kid);
}

static void one_edwards_key(const char *crv)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, crv);
    unsigned char bytes[57];
    size_t length = sizeof(bytes);
    json_t *json = read_json("{'kty':'OKP'}");

    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, bytes, &length), 1);
    json_object_set_new(json, "crv", json_string(crv));
    json_object_set_new(json, "x", json_string(whk_base64url_encode(pool, bytes, length)));
    assert_same_key(json, pkey);
    EVP_PKEY_free(pkey);
}

static void generated_edwards_keys(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 25; i++) {
        one_edwards_key("Ed25519");
        one_edwards_key("Ed448");
    }
}

static void one_elliptic_key(const char *crv, int coordinate)
{
    EVP_PKEY *pkey = EVP_EC_gen(crv);
    json_t *json = read_json("{'kty':'EC'}");

    json_object_set_new(json, "crv", json_string(crv));
    set_number(json, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, coordinate);
    set_number(json, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, coordinate);
    assert_same_key(json, pkey);
    EVP_PKEY_free(pkey);
}

static void generated_elliptic_keys(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 10; i++) {
        one_elliptic_key("P-256", 32);
        one_elliptic_key("P-384", 48);
        one_elliptic_key("P-521", 66);
        one_elliptic_key("secp256k1", 32);
    }
}

static void generated_rsa_keys(void **state)
{
    static const unsigned int sizes[] = {2048, 3072};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        EVP_PKEY *pkey = EVP_RSA_gen(sizes[i]);
        json_t *json = read_json("{'kty':'RSA','alg':'PS512'}");

        set_number(json, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        set_number(json, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        assert_same_key(json, pkey);
        EVP_PKEY_free(pkey);
    }
}

/* What verifies needs the key to be more than equal: sign with the private half and try it. */
static void a_parsed_key_verifies(void **state)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "Ed25519");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char bytes[32];
    unsigned char signature[64];
    size_t length = sizeof(bytes);
    size_t signature_length = sizeof(signature);
    json_t *json = read_json("{'kty':'OKP','crv':'Ed25519'}");

    (void)state;
    EVP_PKEY_get_raw_public_key(pkey, bytes, &length);
    json_object_set_new(json, "x", json_string(whk_base64url_encode(pool, bytes, length)));
    EVP_DigestSignInit(context, NULL, NULL, NULL, pkey);
    EVP_DigestSign(context, signature, &signature_length, (const unsigned char *)"hook", 4);
    EVP_MD_CTX_reset(context);
    EVP_DigestVerifyInit(context, NULL, NULL, NULL, good_jwk(json)->pkey);
    assert_int_equal(
        EVP_DigestVerify(context, signature, signature_length, (const unsigned char *)"hook", 4),
        1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
}

static void set_of_one(void **state)
{
    static const struct {
        const char *set;
        const char *message;
    } rows[] = {
        {"[]", "jwks must be a JWK Set"},
        {"'x'", "jwks must be a JWK Set"},
        {RFC_8037, "jwks.keys is missing"},
        {"{'keys':null}", "jwks.keys must be an array"},
        {"{'keys':{}}", "jwks.keys must be an array"},
        {"{'keys':[]}", "jwks.keys must hold exactly one JWK, and holds 0"},
        {"{'keys':[" RFC_8037 "," RFC_7517_EC "]}", "jwks.keys must hold exactly one JWK"},
        {"{'keys':[7]}", "jwks.keys[0] must be an object"},
    };
    const whk_jwk_t *jwk;
    size_t i;

    (void)state;
    assert_null(whk_jwk_set_only(&jwk, read_json("{'keys':[" RFC_8037 "],'extra':1}"), "jwks",
                                 WHK_ALGORITHMS_DEFAULT, pool));
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(
            whk_jwk_set_only(&jwk, read_json(rows[i].set), "jwks", WHK_ALGORITHMS_DEFAULT, pool),
            WHK_INVALID_JWKS, rows[i].message, rows[i].set);
}

static const whk_outcome_t *find(const char *set, const char *kid)
{
    const whk_jwk_t *jwk;

    return whk_jwk_set_find(&jwk, read_json(set), kid, WHK_ALGORITHMS_DEFAULT, pool);
}

static void find_in_a_set(void **state)
{
    static const char *const set = "{'keys':[7,{},{'kid':3},{'kid':'2','d':'x'},{'kid':'twice'},"
                                   "{'kid':'twice'}," RFC_7517_EC ",{'kid':'short','kty':'OKP',"
                                   "'crv':'Ed25519','x':'AAAA'},{'kid':'odd','kty':'hunter'}]}";

    (void)state;
    assert_null(find(set, "1"));
    assert_refused(find(set, "3"), WHK_JWKS_URI_NO_SUCH_KEY, "(jwksUri).keys must hold exactly one",
                   "none");
    assert_refused(find(set, "twice"), WHK_JWKS_URI_NO_SUCH_KEY, "(jwksUri).keys", "several");
    assert_refused(find(set, "2"), WHK_PRIVATE_KEY_MATERIAL, "(jwksUri).keys[3].d", "private");
    assert_refused(find(set, "short"), WHK_INVALID_JWKS, "(jwksUri).keys[7].x", "short");
    assert_null(strstr(find(set, "short")->message, "and is"));
    assert_refused(find(set, "odd"), WHK_UNSUPPORTED_KEY, "(jwksUri).keys[8].kty", "odd");
    assert_null(strstr(find(set, "odd")->message, "hunter"));
    assert_refused(find("[]", "1"), WHK_INVALID_JWKS, "(jwksUri)", "array");
}

static void large_sets(void **state)
{
    json_t *set = read_json("{'keys':[" RFC_7517_EC "]}");
    json_t *keys = json_object_get(set, "keys");
    const whk_jwk_t *jwk;

    (void)state;
    while (json_array_size(keys) < WHK_JWK_SET_MAX)
        json_array_append_new(keys, json_null());
    assert_null(whk_jwk_set_find(&jwk, set, "1", WHK_ALGORITHMS_DEFAULT, pool));
    json_array_append_new(keys, json_null());
    assert_refused(whk_jwk_set_find(&jwk, set, "1", WHK_ALGORITHMS_DEFAULT, pool), WHK_INVALID_JWKS,
                   "(jwksUri).keys must hold at most 100", "101");
}

static void load_refuses_what_it_did_not_write(void **state)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"kty\":\"oct\"}",
                                        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
                                        ("{\"crv\":\"Ed25519\", \"kty\":\"OKP\","
                                         "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}")};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (whk_jwk_load(texts[i], pool))
            fail_msg("was loaded: %s", texts[i]);
}

/* An error left behind would be reported by whoever looks at the queue next. */
static void leaves_no_error_behind(void **state)
{
    const whk_jwk_t *jwk;
    json_t *json = read_json(RFC_7517_EC);

    (void)state;
    json_object_set(json, "y", json_object_get(json, "x"));
    assert_non_null(whk_jwk_parse(&jwk, json, "jwk", EVERY_ALGORITHM, pool));
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_8037),
        cmocka_unit_test(rfc_7638),
        cmocka_unit_test(rfc_7517),
        cmocka_unit_test(generated_edwards_keys),
        cmocka_unit_test(generated_elliptic_keys),
        cmocka_unit_test(generated_rsa_keys),
        cmocka_unit_test(a_parsed_key_verifies),
        cmocka_unit_test(set_of_one),
        cmocka_unit_test(find_in_a_set),
        cmocka_unit_test(large_sets),
        cmocka_unit_test(load_refuses_what_it_did_not_write),
        cmocka_unit_test(leaves_no_error_behind),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jwk", tests, make_pool, destroy_pool);
    apr_terminate();
    return failed;
}
