/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme http-signature: the examples of RFC 9421, appendix B, that are requests. */

#include "http_signature_fixture.h"
#include "jose/jwk.h"
#include "scheme/signed_message.h"

#define RSA_PSS_KEY                                                                                \
    "{'kty':'RSA','e':'AQAB','n':'r4tmm3r20Wd_PbqvP1s2-QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct" \
    "-Lh1GH45x28Rw3Ry53mm-"                                                                        \
    "oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPF"                     \
    "mTOtCEcN2Z1FpWgchwuYLPL-Wokqltd11nqqzi-"                                                      \
    "bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lz"                                       \
    "o0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d-nb4bnNkQVklLQ3fVAvJm-xdDOp9LCNCN48V2pnDOkFV6-"             \
    "U9nV5oyc6XI2w"                                                                                \
    "'%s}"
#define ED25519_KEY                                                                                \
    "{'kty':'OKP','crv':'Ed25519','x':'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs'}"
#define P256_KEY                                                                                   \
    "{'kty':'EC','crv':'P-256','x':'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA','y':'Mc4nN9LTDOB" \
    "hfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0'}"

#define CREATED ";created=1618884473"

#define B_2_1 "sig-b21=()" CREATED ";keyid='test-key-rsa-pss';nonce='b3k2pp5k7z-50gnwp.yemd'"
#define B_2_1_SIGNATURE                                                                            \
    "sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wg" \
    "GxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/"                  \
    "Z2cOGdCbzR72rgFWhz"                                                                           \
    "x2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/"           \
    "QEVPnP5TmcA"                                                                                  \
    "nLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:"

#define B_2_2                                                                                      \
    "sig-b22=('@authority' 'content-digest' '@query-param';name='Pet')" CREATED                    \
    ";keyid='test-key-rsa-pss';tag='header-example'"
#define B_2_2_SIGNATURE                                                                            \
    "sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtj" \
    "vuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/"                           \
    "2YyFYXEu4TRJQzRw1rLEuEfY17S"                                                                  \
    "ARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/"                     \
    "lankenQ99PZfB4jY3I5rS"                                                                        \
    "V2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==:"

#define B_2_3                                                                                      \
    "sig-b23=('date' '@method' '@path' '@query' '@authority' 'content-type' 'content-digest' "     \
    "'content-length')" CREATED ";keyid='test-key-rsa-pss'"
#define B_2_3_SIGNATURE                                                                            \
    "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt68" \
    "3+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/"                 \
    "yPViV7KsLNmvKiLJH"                                                                            \
    "1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/"                                                        \
    "CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8L"                                     \
    "ZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:"

#define B_2_6                                                                                      \
    "sig-b26=('date' '@method' '@path' '@authority' 'content-type' 'content-length')" CREATED      \
    ";keyid='test-key-ed25519'"
#define B_2_6_SIGNATURE                                                                            \
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBK" \
    "RCw==:"

#define B_3                                                                                        \
    "ttrp=('@path' '@query' '@method' '@authority' 'client-cert')" CREATED                         \
    ";keyid='test-key-ecc-p256'"
#define B_3_SIGNATURE                                                                              \
    "ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw" \
    "==:"
#define B_3_CERTIFICATE                                                                            \
    ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAM" \
    "MEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFk" \
    "w"                                                                                            \
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/"               \
    "3YC8OthxM4+k1M6"                                                                              \
    "aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOB" \
    "g"                                                                                            \
    "NVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/"                                   \
    "BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCq"                                                          \
    "GSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/"                          \
    "kHSB4urmiZ0NX5r5XarmPk0wmu"                                                                   \
    "ydBVoU4hBVZ1yhk=:"

#define B_4                                                                                        \
    "transform=('@method' '@path' '@authority' 'accept')" CREATED ";keyid='test-key-ed25519'"
#define B_4_SIGNATURE                                                                              \
    "transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pm" \
    "j3NDA==:"

/* The test-request of appendix B.2, signed so. */
static http_request_t test_request(const char *input, const char *signature)
{
    http_request_t request = {
        "POST",
        "example.com",
        "/foo?param=Value&Pet=dog",
        BODY,
        {{"Host", "example.com", "Date", "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type",
          "application/json", "Content-Digest", SHA_512, "Content-Length", "18"}}};

    add_field(&request.fields, "Signature-Input", quoted(input));
    add_field(&request.fields, "Signature", signature);
    return request;
}

static void appendix_b_2_rsa_pss(void **state)
{
    static const char *const rows[][2] = {
        {B_2_1, B_2_1_SIGNATURE}, {B_2_2, B_2_2_SIGNATURE}, {B_2_3, B_2_3_SIGNATURE}};
    const whk_jwk_t *pss = key_of(apr_psprintf(pool, RSA_PSS_KEY, ",'alg':'PS512'"));
    const whk_jwk_t *any = key_of(apr_psprintf(pool, RSA_PSS_KEY, ""));
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = test_request(rows[i][0], rows[i][1]);
        const char *name = NULL;

        assert_good(judge_enabled(&request, "", pss, EVERY_ALGORITHM, &name), rows[i][0]);
        assert_string_equal(name, "PS512");
        assert_good(judge_enabled(&request, "", any, WHK_ALG_PS512 | WHK_ALG_ES256, &name),
                    rows[i][0]);
        assert_refused(judge_http(&request, "", any), WHK_ALGORITHM_MISMATCH,
                       "Signature-Input has no alg, and this RSA key verifies by several "
                       "algorithms here: sign with rsa-v1_5-sha256 or rsa-pss-sha512, and say so",
                       rows[i][0]);
        request.authority = "example.org";
        if (i)
            assert_refused(judge_http(&request, "", pss), WHK_BAD_SIGNATURE, "", rows[i][0]);
    }
}

static void what_is_told(void **state)
{
    http_request_t request = test_request(B_2_1, B_2_1_SIGNATURE);
    whk_signed_message_t *parsed;

    (void)state;
    assert_good(parse_http(&parsed, &request, ""), "B.2.1");
    assert_string_equal(parsed->kid, "test-key-rsa-pss");
    assert_string_equal(name_of(parsed), "nonce:b3k2pp5k7z-50gnwp.yemd");
    assert_true(parsed->signed_at == apr_time_from_sec(1618884473));
    assert_true(parsed->expires == 0 && parsed->not_before == 0);
    assert_true(parsed->needs_time);
    assert_false(parsed->try_all_ed25519);
    request = test_request(B_2_6, B_2_6_SIGNATURE);
    assert_good(parse_http(&parsed, &request, ""), "B.2.6");
    assert_string_equal(name_of(parsed), "sig:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDk");
}

static void appendix_b_2_6(void **state)
{
    http_request_t request = test_request(B_2_6, B_2_6_SIGNATURE);
    const whk_jwk_t *jwk = key_of(ED25519_KEY);

    (void)state;
    assert_good(judge_http(&request, "", jwk), "B.2.6");
    assert_good(judge_http(&request, "date @method", jwk), "B.2.6");
    assert_refused(judge_http(&request, NULL, jwk), WHK_MALFORMED_JWS,
                   "the signature must cover @target-uri (or @request-target", "B.2.6");
    request.method = "PUT";
    assert_refused(judge_http(&request, "", jwk), WHK_BAD_SIGNATURE,
                   "the signature does not fit this key and the components", "PUT");
}

static void appendix_b_3(void **state)
{
    http_request_t request = test_request(B_3, B_3_SIGNATURE);

    (void)state;
    request.authority = "service.internal.example";
    add_field(&request.fields, "Client-Cert", B_3_CERTIFICATE);
    assert_good(judge_http(&request, "", key_of(P256_KEY)), "B.3");
    add_field(&request.fields, "Client-Cert", B_3_CERTIFICATE);
    assert_refused(judge_http(&request, "", key_of(P256_KEY)), WHK_BAD_SIGNATURE, "", "B.3 twice");
}

/* Which changes on the way a signature survives. */
static void appendix_b_4(void **state)
{
    static const struct {
        const char *title, *method, *authority, *target, *accept[2];
        int is_good;
    } rows[] = {
        {"as signed",
         "GET",
         "example.org",
         "/demo?name1=Value1&Name2=value2",
         {"application/json", "*/*"},
         1},
        {"another query",
         "GET",
         "example.org",
         "/demo?name1=Value1&Name2=value2&param=added",
         {"application/json", "*/*"},
         1},
        {"combined",
         "GET",
         "example.org",
         "/demo?name1=Value1&Name2=value2",
         {"application/json, */*", NULL},
         1},
        {"another order",
         "GET",
         "example.org",
         "/demo?name1=Value1&Name2=value2",
         {"*/*", "application/json"},
         0},
        {"another method",
         "POST",
         "example.org",
         "/demo?name1=Value1&Name2=value2",
         {"application/json", "*/*"},
         0},
        {"another authority",
         "GET",
         "example.com",
         "/demo?name1=Value1&Name2=value2",
         {"application/json", "*/*"},
         0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = {rows[i].method, rows[i].authority, rows[i].target, "", {{NULL}}};

        add_field(&request.fields, "Accept", rows[i].accept[0]);
        if (rows[i].accept[1])
            add_field(&request.fields, "Accept", rows[i].accept[1]);
        add_field(&request.fields, "Signature-Input", quoted(B_4));
        add_field(&request.fields, "Signature", B_4_SIGNATURE);
        if (rows[i].is_good)
            assert_good(judge_http(&request, "", key_of(ED25519_KEY)), rows[i].title);
        else
            assert_refused(judge_http(&request, "", key_of(ED25519_KEY)), WHK_BAD_SIGNATURE, "",
                           rows[i].title);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_pool, destroy_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(appendix_b_2_rsa_pss), TEST(what_is_told), TEST(appendix_b_2_6),
        TEST(appendix_b_3),         TEST(appendix_b_4),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("http_signature_rfc", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
