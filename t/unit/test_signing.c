/* SPDX-License-Identifier: Apache-2.0 */
/* What each scheme signs it verifies, by each kind of key and whatever the bytes; and what the RFCs
 * sign comes out byte for byte. */

#include "http_signature/content_digest.h"
#include "http_signature/signature_base.h"
#include "http_signature/structured_field.h"
#include "jose/base64.h"
#include "jose/base64url.h"
#include "jose/private_key.h"
#include "jose/secure_heap.h"
#include "scheme/scheme.h"
#include "scheme/signed_message_times.h"
#include "signing_fixture.h"

#include <openssl/pem.h>

static const whk_algorithm_t kinds[] = {WHK_ALG_EDDSA, WHK_ALG_ES256, WHK_ALG_ES384, WHK_ALG_ES512,
                                        WHK_ALG_RS256};

static const whk_scheme_t *const schemes[] = {&whk_scheme_jws_detached, &whk_scheme_jwt,
                                              &whk_scheme_http_signature,
                                              &whk_scheme_standard_webhooks};

static const whk_private_key_t *read_pem(const char *pem)
{
    const whk_private_key_t *key = NULL;
    const char *flaw = whk_private_key_parse(&key, "my-key", pem, strlen(pem), pool);

    if (flaw)
        fail_msg("%s", flaw);
    return key;
}

static const whk_private_key_t *private_key_of(EVP_PKEY *pkey)
{
    BIO *output = BIO_new(BIO_s_mem());
    char *text;
    long length;
    const char *pem;

    assert_int_equal(PEM_write_bio_PrivateKey(output, pkey, NULL, NULL, 0, NULL, NULL), 1);
    length = BIO_get_mem_data(output, &text);
    pem = apr_pstrmemdup(pool, text, (apr_size_t)length);
    BIO_free(output);
    return read_pem(pem);
}

static const whk_jwk_t *public_half(const whk_private_key_t *key)
{
    return key_of(key->public_json);
}

/* ---- round trips ---- */

static whk_message_t message_of(request_t *request, const char *body, apr_size_t length)
{
    whk_message_t message = {.method = "POST",
                             .scheme = "https",
                             .authority = "hooks.example",
                             .target = "/a?b=%20",
                             .field = field,
                             .baton = request,
                             .body = body,
                             .length = length};

    return message;
}

static int add_signed(void *request, const char *name, const char *value)
{
    add_field(request, name, value);
    return 1;
}

static const whk_outcome_t *verify(const whk_scheme_t *scheme, const whk_message_t *message,
                                   const whk_scheme_policy_t *policy, const whk_jwk_t *jwk)
{
    whk_signed_message_t *parsed;
    const char *algorithm;

    WHK_TRY(scheme->parse(&parsed, message, policy, pool));
    assert_string_equal(parsed->kid, "my-key");
    WHK_TRY(whk_signed_message_verify(parsed, jwk, EVERY_ALGORITHM, &algorithm, pool));
    assert_int_equal(parsed->replay_ids->nelts, 1);
    return whk_signed_message_check_times(parsed, NOW + apr_time_from_sec(299), MAX_AGE, 0, pool);
}

static void round_trip(const whk_scheme_t *scheme, const whk_private_key_t *key, const char *body,
                       apr_size_t length)
{
    const whk_scheme_policy_t policy = {.header = "Sent", .body_is_taken = 1};
    const whk_signing_t signing = {key, NOW, MAX_AGE, &policy};
    request_t request = {{"Content-Type", "text/plain"}};
    whk_message_t message = message_of(&request, body, length);
    apr_table_t *fields = apr_table_make(pool, 4);
    char *other = apr_pmemdup(pool, body, length + 1);
    const whk_jwk_t *jwk = public_half(key);

    assert_good(scheme->sign(fields, &message, &signing, pool), scheme->name);
    apr_table_do(add_signed, &request, fields, NULL);
    assert_good(verify(scheme, &message, &policy, jwk), scheme->name);
    message.length++;
    assert_non_null(verify(scheme, &message, &policy, jwk));
    message.length--;
    if (!length)
        return;
    other[length / 2] ^= 1;
    message.body = other;
    assert_non_null(verify(scheme, &message, &policy, jwk));
}

static void every_scheme_and_kind(void **state)
{
    const apr_size_t mebibyte = 1048576;
    char *bytes = apr_palloc(pool, mebibyte + 1);
    size_t i, j;

    (void)state;
    for (i = 0; i <= mebibyte; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    for (i = 0; i < COUNT(kinds); i++) {
        const whk_private_key_t *key = private_key_of(make_signer(kinds[i], NULL).pkey);

        assert_int_equal(key->algorithm, kinds[i]);
        for (j = 0; j < COUNT(schemes); j++) {
            if (schemes[j] == &whk_scheme_standard_webhooks && kinds[i] != WHK_ALG_EDDSA)
                continue;
            round_trip(schemes[j], key, "", 0);
            round_trip(schemes[j], key, "{}", 2);
            round_trip(schemes[j], key, bytes, 256);
            round_trip(schemes[j], key, bytes, mebibyte);
        }
    }
}

/* r or s has a byte of zeros in front in one of a hundred signatures. */
static void many_signatures(void **state)
{
    size_t i;
    int n;

    (void)state;
    for (i = 1; i < 4; i++) {
        const whk_private_key_t *key = private_key_of(make_signer(kinds[i], NULL).pkey);

        const whk_jwk_t *jwk = public_half(key);

        for (n = 0; n < 300; n++) {
            whk_bytes_t text = {&n, sizeof(n)};
            whk_bytes_t signature;

            assert_good(whk_private_key_sign(key, &text, 1, &signature, pool), "sign");
            assert_true(whk_signature_verify(jwk, key->algorithm, &text, 1, signature.bytes,
                                             signature.length, pool));
        }
    }
}

static void ids_are_no_headers(void **state)
{
    const whk_private_key_t *key = private_key_of(make_signer(WHK_ALG_EDDSA, NULL).pkey);
    int n;

    (void)state;
    for (n = 0; n < 500; n++)
        round_trip(&whk_scheme_standard_webhooks, key, "", 0);
}

/* Whoever may have a body signed must not make claims of it that another place believes. */
static void a_detached_signature_is_no_token(void **state)
{
    static const char claims[] =
        "{\"request_body_sha256\":"
        "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}";
    const whk_private_key_t *key = private_key_of(make_signer(WHK_ALG_EDDSA, NULL).pkey);
    const whk_scheme_policy_t policy = {.header = "Sent"};
    const whk_signing_t signing = {key, NOW, MAX_AGE, &policy};
    apr_table_t *fields = apr_table_make(pool, 1);
    request_t request = {{NULL}};
    whk_message_t message = message_of(&request, claims, strlen(claims));
    const char *jws;
    const char *dot;
    whk_signed_message_t *parsed;
    const whk_outcome_t *outcome;

    (void)state;
    assert_good(whk_scheme_jws_detached.sign(fields, &message, &signing, pool), "sign");
    jws = apr_table_get(fields, "Sent");
    dot = strchr(jws, '.') + 1;
    add_field(&request, "Sent",
              apr_pstrcat(pool, apr_pstrmemdup(pool, jws, (apr_size_t)(dot - jws)),
                          whk_base64url_encode(pool, (const unsigned char *)claims, strlen(claims)),
                          dot, NULL));
    message = message_of(&request, "", 0);
    outcome = whk_scheme_jwt.parse(&parsed, &message, &policy, pool);
    assert_non_null(outcome);
    assert_string_equal(outcome->message, "the typ of the JWS header must be JWT, or be left out");
}

static void what_is_refused(void **state)
{
    const whk_private_key_t *ed25519 = private_key_of(make_signer(WHK_ALG_EDDSA, NULL).pkey);
    const whk_private_key_t *p256 = private_key_of(make_signer(WHK_ALG_ES256, NULL).pkey);
    apr_array_header_t *required = apr_array_make(pool, 1, sizeof(const char *));
    whk_scheme_policy_t policy = {.required_components = required};
    whk_signing_t signing = {ed25519, NOW, MAX_AGE, &policy};
    request_t request = {{NULL}};
    whk_message_t message = message_of(&request, "", 0);
    apr_table_t *fields = apr_table_make(pool, 4);
    const whk_outcome_t *outcome;

    (void)state;
    APR_ARRAY_PUSH(required, const char *) = "x-order";
    outcome = whk_scheme_http_signature.sign(fields, &message, &signing, pool);
    assert_int_equal(outcome->code, WHK_INVALID_REQUEST);
    assert_string_equal(outcome->message,
                        "the header x-order is missing: it must be there to be signed");
    add_field(&request, "X-Order", "gr\xc3\xbc\xc3\x9f");
    outcome = whk_scheme_http_signature.sign(fields, &message, &signing, pool);
    assert_int_equal(outcome->code, WHK_INVALID_REQUEST);
    set_field(&request, "X-Order", "1");
    assert_good(whk_scheme_http_signature.sign(fields, &message, &signing, pool), "with it");
    policy.signature_tag = "gr\xc3\xbc\xc3\x9f";
    outcome = whk_scheme_http_signature.sign(fields, &message, &signing, pool);
    assert_int_equal(outcome->code, WHK_INTERNAL_ERROR);
    signing.key = p256;
    outcome = whk_scheme_standard_webhooks.sign(fields, &message, &signing, pool);
    assert_int_equal(outcome->code, WHK_INTERNAL_ERROR);
    assert_null(whk_scheme_jws.sign);
}

/* Of every kind the secret half, and all of it is given back, which wipes it. */
static void keys_are_in_the_secure_heap(void **state)
{
    apr_pool_t *outer = pool;
    apr_pool_t *heap;
    size_t i;

    (void)state;
    apr_pool_create(&heap, outer);
    whk_secure_heap_open(65536, heap);
    for (i = 0; i < COUNT(kinds); i++) {
        EVP_PKEY *pkey = make_signer(kinds[i], NULL).pkey;
        size_t before = CRYPTO_secure_used();

        apr_pool_create(&pool, outer);
        private_key_of(pkey);
        assert_true(CRYPTO_secure_used() >= before + 32);
        apr_pool_destroy(pool);
        pool = outer;
        assert_int_equal(CRYPTO_secure_used(), before);
    }
    whk_secure_heap_note();
    whk_secure_heap_lock();
    apr_pool_destroy(heap);
    assert_false(whk_secure_heap_lock());
}

/* ---- the RFCs ---- */

/* RFC 9421, appendix B.1.4. */
#define RFC_9421_KEY                                                                               \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"                           \
    "-----END PRIVATE KEY-----\n"

static const char *sign_input(const char *input, whk_message_t *message)
{
    const whk_private_key_t *key = read_pem(RFC_9421_KEY);
    const apr_array_header_t *members;
    whk_bytes_t signature;
    whk_bytes_t bytes;
    const char *base;

    input = quoted(input);
    assert_int_equal(whk_sf_parse_dictionary(&members, input, pool), 0);
    assert_good(
        whk_signature_base(&base, message, &APR_ARRAY_IDX(members, 0, whk_sf_pair_t).value, pool),
        input);
    bytes = (whk_bytes_t){base, strlen(base)};
    assert_good(whk_private_key_sign(key, &bytes, 1, &signature, pool), input);
    return whk_base64_encode(pool, signature.bytes, signature.length);
}

static void rfc_9421(void **state)
{
    request_t b_2 = {{"Date", "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type", "application/json",
                      "Content-Length", "18"}};
    whk_message_t message = {.method = "POST",
                             .scheme = "https",
                             .authority = "example.com",
                             .target = "/foo?param=Value&Pet=dog",
                             .field = field,
                             .baton = &b_2,
                             .body = ""};
    request_t b_4 = {{"Accept", "application/json", "Accept", "*/*"}};

    (void)state;
    assert_string_equal(
        sign_input("sig-b26=('date' '@method' '@path' '@authority' 'content-type' "
                   "'content-length');created=1618884473;keyid='test-key-ed25519'",
                   &message),
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==");
    message.method = "GET";
    message.authority = "example.org";
    message.target = "/demo?name1=Value1&Name2=value2";
    message.baton = &b_4;
    assert_string_equal(
        sign_input("transform=('@method' '@path' '@authority' 'accept');created=1618884473"
                   ";keyid='test-key-ed25519'",
                   &message),
        "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==");
}

/* RFC 8037, appendix A.1 and A.4. */
static void rfc_8037(void **state)
{
    static const unsigned char seed[32] =
        "\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32"
        "\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
    const char *input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    EVP_PKEY *pkey =
        whk_pool_adopt_pkey(pool, EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32));
    const whk_private_key_t *key = private_key_of(pkey);
    whk_bytes_t parts[] = {{input, 10}, {input + 10, strlen(input) - 10}};
    whk_bytes_t signature;

    (void)state;
    assert_non_null(strstr(key->public_json, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    assert_string_equal(key->thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_good(whk_private_key_sign(key, parts, 2, &signature, pool), "A.4");
    assert_string_equal(
        whk_base64url_encode(pool, signature.bytes, signature.length),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

/* RFC 9530, appendices B.1 and D. */
static void rfc_9530(void **state)
{
    static const char *const rows[][2] = {
        {"{\"hello\": \"world\"}\n", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"},
        {"{\"hello\": \"world\"}", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"},
        {"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        whk_bytes_t body = {rows[i][0], strlen(rows[i][0])};

        assert_string_equal(whk_content_digest_make(&body, pool), rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_and_kind),
        cmocka_unit_test(many_signatures),
        cmocka_unit_test(ids_are_no_headers),
        cmocka_unit_test(a_detached_signature_is_no_token),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(rfc_9421),
        cmocka_unit_test(rfc_8037),
        cmocka_unit_test(rfc_9530),
        cmocka_unit_test(keys_are_in_the_secure_heap),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("signing", tests, make_pool, destroy_pool);
    apr_terminate();
    return failed;
}
