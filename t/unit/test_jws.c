/* SPDX-License-Identifier: Apache-2.0 */
/* JWS in compact form: the examples of the RFCs, every algorithm, the spelling. */

#include "jose/jwk.h"
#include "jws_fixture.h"
#include "scheme/compact_jws.h"
#include "scheme/signed_message.h"

/* RFC 7515, appendix A. */
#define A_1                                                                                        \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD                                            \
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

#define A_2_KEY                                                                                    \
    "{'kty':'RSA','n':'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJ" \
    "rcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"   \
    "bSf"                                                                                          \
    "63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"                                                       \
    "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT"                                      \
    "6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ','e':"     \
    "'AQAB'}"
#define A_2_HEADER "eyJhbGciOiJSUzI1NiJ9"
#define A_2_SIGNATURE                                                                              \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5" \
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"                                           \
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1"                                                  \
    "L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"                                               \
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYE"                                              \
    "UipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define A_2 A_2_HEADER "." PAYLOAD "." A_2_SIGNATURE

#define A_4_KEY                                                                                    \
    "{'kty':'EC','crv':'P-521','x':'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6" \
    "OvLFV1jSfS9tsz4qUxcWceqwQGk','y':'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly7" \
    "9ajL4Kkd0AZMaZmh9ubmf63e3kyMj2'}"
#define A_4                                                                                        \
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-" \
    "mZZqwqT2SI-KGDKB34XO0aw_"                                                                     \
    "7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrm"                        \
    "xYbSW9ERBXukOXolLzeO_Jn"

#define A_5 "eyJhbGciOiJub25lIn0." PAYLOAD "."

/* RFC 8037, appendix A.4 and A.5. */
#define RFC_8037_HEADER "eyJhbGciOiJFZERTQSJ9"
#define RFC_8037_TEXT "Example of Ed25519 signing"
#define RFC_8037_SIGNATURE                                                                         \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
#define RFC_8037_JWS RFC_8037_HEADER ".RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." RFC_8037_SIGNATURE

/* RFC 7797, section 4.2; 4.1 is the same payload in base64url. */
#define RFC_7797_TEXT "$.02"
#define RFC_7797_HS256                                                                             \
    "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4Y" \
    "LPff6dmDY"

static void rfc_7515_appendix_a(void **state)
{
    (void)state;
    assert_verifies(key_of(A_2_KEY), A_2, NULL, "RS256");
    assert_verifies(key_of(A_3_KEY), A_3, NULL, "ES256");
    assert_verifies(key_of(A_4_KEY), A_4, NULL, "ES512");
    assert_refused(judge(key_of(A_2_KEY), A_3, NULL), WHK_ALGORITHM_MISMATCH,
                   "the JWS header says ES256, this key is RSA: sign with one of RS256", "A.3");
    assert_refused(judge(key_of(A_3_KEY), A_2, NULL), WHK_ALGORITHM_MISMATCH,
                   "the JWS header says RS256, this key is P-256: sign with ES256", "A.2");
    assert_refused(judge(p256.jwk, A_3, NULL), WHK_BAD_SIGNATURE, "the signature does not fit",
                   "A.3 with another key");
}

/* Whatever the key. */
static void hmac_and_none(void **state)
{
    static const char *const keys[] = {A_2_KEY, A_3_KEY, A_4_KEY, RFC_8037};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const whk_jwk_t *jwk = key_of(keys[i]);

        assert_refused(judge(jwk, A_1, NULL), WHK_ALGORITHM_MISMATCH,
                       "the JWS header says HS256, this key is ", "A.1");
        assert_refused(judge(jwk, A_5, NULL), WHK_ALGORITHM_MISMATCH,
                       "the JWS header says none, this key is ", "A.5");
        assert_refused(judge(jwk, A_5 "c2ln", NULL), WHK_ALGORITHM_MISMATCH,
                       "the JWS header says none, this key is ", "A.5 with a signature");
        assert_refused(judge(jwk, RFC_7797_HS256, RFC_7797_TEXT), WHK_ALGORITHM_MISMATCH,
                       "the JWS header says HS256, this key is ", "RFC 7797");
    }
}

static void detached_examples(void **state)
{
    const char *payload = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                          "\"http://example.com/is_root\":true}";

    (void)state;
    assert_verifies(key_of(A_2_KEY), A_2_HEADER ".." A_2_SIGNATURE, payload, "RS256");
    assert_verifies(key_of(A_3_KEY), A_3_HEADER ".." A_3_SIGNATURE, payload, "ES256");
    assert_verifies(key_of(RFC_8037), RFC_8037_HEADER ".." RFC_8037_SIGNATURE, RFC_8037_TEXT,
                    "EdDSA");
    assert_refused(judge(key_of(A_3_KEY), A_3_HEADER ".." A_3_SIGNATURE, "else"), WHK_BAD_SIGNATURE,
                   "the signature does not fit this key, the JWS header and", "another payload");
}

static void rfc_8037_appendix_a(void **state)
{
    (void)state;
    assert_verifies(key_of(RFC_8037), RFC_8037_JWS, NULL, "EdDSA");
    assert_refused(judge(ed25519.jwk, RFC_8037_JWS, NULL), WHK_BAD_SIGNATURE,
                   "the signature does not fit", "another key");
}

static void rfc_7797_section_4(void **state)
{
    static const char header[] = "{'alg':'ES256','b64':false,'crit':['b64']}";
    const char *unencoded =
        detached_of(&p256, WHK_ALG_ES256, header, RFC_7797_TEXT, strlen(RFC_7797_TEXT), 0);
    const char *wrong =
        detached_of(&p256, WHK_ALG_ES256, header, RFC_7797_TEXT, strlen(RFC_7797_TEXT), 1);

    (void)state;
    assert_verifies(p256.jwk, jws_of(&p256, WHK_ALG_ES256, "{'alg':'ES256'}", RFC_7797_TEXT), NULL,
                    "ES256");
    assert_verifies(p256.jwk, unencoded, RFC_7797_TEXT, "ES256");
    assert_refused(judge(p256.jwk, unencoded, "JC4wMg"), WHK_BAD_SIGNATURE, "", "its encoding");
    assert_refused(judge(p256.jwk, wrong, RFC_7797_TEXT), WHK_BAD_SIGNATURE,
                   "the signature does not fit this key, the JWS header and the payload: sign with "
                   "the private key of this keyId, <header>.<payload>, the payload being the very "
                   "bytes that are sent, as they are (b64 is false)",
                   "encoded all the same");
    assert_verifies(p256.jwk,
                    detached_of(&p256, WHK_ALG_ES256, "{'alg':'ES256','b64':true,'crit':['b64']}",
                                RFC_7797_TEXT, strlen(RFC_7797_TEXT), 1),
                    RFC_7797_TEXT, "ES256");
}

/* Any length, so that chunks and groups of three end everywhere; any byte. */
static void detached_of_any_length(void **state)
{
    static const apr_size_t lengths[] = {0,    1,    2,    3,    4,    255,  256,    3071,   3072,
                                         3073, 3074, 3075, 6143, 6144, 6145, 100000, 1 << 20};
    const signer_t *const signers[] = {&p256, &ed25519};
    unsigned char *body = apr_palloc(pool, 1 << 20);
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < 1 << 20; i++)
        body[i] = (unsigned char)(i * 167 + i / 256);
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (j = 0; j < 4; j++) {
            const signer_t *signer = signers[j % 2];
            whk_algorithm_t algorithm = j % 2 ? WHK_ALG_EDDSA : WHK_ALG_ES256;
            const char *head = apr_pstrcat(pool, "{'alg':'", row_of(algorithm)->name, "'",
                                           j < 2 ? "}" : ",'b64':false,'crit':['b64']}", NULL);
            const char *jws = detached_of(signer, algorithm, head, body, lengths[i], j < 2);
            whk_signed_message_t *parsed;
            const char *name;

            assert_good(whk_compact_jws_parse(&parsed, jws, strlen(jws), (const char *)body,
                                              lengths[i], pool),
                        jws);
            assert_good(
                whk_signed_message_verify(parsed, signer->jwk, EVERY_ALGORITHM, &name, pool), jws);
            assert_good(whk_compact_jws_parse(&parsed, jws, strlen(jws), (const char *)body,
                                              lengths[i] + 1, pool),
                        jws);
            assert_non_null(
                whk_signed_message_verify(parsed, signer->jwk, EVERY_ALGORITHM, &name, pool));
        }
    }
}

static void every_algorithm(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ROW_COUNT; i++) {
        const algorithm_row_t *row = &algorithm_rows[i];
        signer_t signer = make_signer(row->algorithm, NULL);
        const char *jws =
            jws_of(&signer, row->algorithm, apr_psprintf(pool, "{'alg':'%s'}", row->name), "{}");
        const char *name = NULL;

        assert_verifies(signer.jwk, jws, NULL, row->name);
        assert_refused(
            judge_enabled(signer.jwk, jws, NULL, ~(unsigned)row->algorithm, &name),
            WHK_ALGORITHM_MISMATCH,
            apr_psprintf(pool, "the JWS header says %s, which is not turned on here", row->name),
            row->name);
        assert_null(name);
    }
}

/* The header says one algorithm of the key, and the signature is by another. */
static void alg_is_signed_with(void **state)
{
    signer_t rsa = make_signer(WHK_ALG_RS256, NULL);
    signer_t restricted = make_signer(WHK_ALG_PS512, "PS512");

    (void)state;
    assert_refused(judge(rsa.jwk, jws_of(&rsa, WHK_ALG_RS256, "{'alg':'PS256'}", "{}"), NULL),
                   WHK_BAD_SIGNATURE, "", "PS256 signed as RS256");
    assert_refused(
        judge(restricted.jwk, jws_of(&restricted, WHK_ALG_RS256, "{'alg':'RS256'}", "{}"), NULL),
        WHK_ALGORITHM_MISMATCH,
        "the JWS header says RS256, this key is RSA for PS512 alone: sign with PS512", "RS256");
    assert_verifies(restricted.jwk, jws_of(&restricted, WHK_ALG_PS512, "{'alg':'PS512'}", "{}"),
                    NULL, "PS512");
}

/* Signatures of another length say what length is right. */
static void wrong_length(void **state)
{
    signed_t made =
        sign(&p256, WHK_ALG_ES256, A_3_HEADER "." PAYLOAD, strlen(A_3_HEADER "." PAYLOAD));

    (void)state;
    assert_refused(
        judge(p256.jwk,
              apr_pstrcat(pool, A_3_HEADER "." PAYLOAD ".", encoded(made.bytes, 63), NULL), NULL),
        WHK_BAD_SIGNATURE,
        "a signature by ES256 with this key has 64 bytes, r and s, not DER, and this one has 63",
        "63 bytes");
}

static void malformed_texts(void **state)
{
    static const refused_t rows[] = {
        {"", "a compact JWS has two dots"},
        {".", "a compact JWS has two dots"},
        {A_3_HEADER "." PAYLOAD, "a compact JWS has two dots"},
        {A_3 ".", "a compact JWS has two dots"},
        {A_3 "..", "this is an encrypted token, a JWE"},
        {A_3 ".a.a", "this is an encrypted token, a JWE"},
        {A_3 "....", "a compact JWS has two dots"},
        {"..", "the JWS header is empty, and must be JSON"},
        {"." PAYLOAD "." A_3_SIGNATURE, "the JWS header is empty, and must be JSON"},
        {A_3_HEADER "." PAYLOAD ".", "the JWS has no signature after its second dot"},
        {"{\"payload\":\"a\",\"protected\":\"b\",\"signature\":\"c\"}", "this is a JWS in JSON"},
        {"{\"payload\":\"a\",\"signatures\":[{\"a.b\":\"c.d\"}]}", "this is a JWS in JSON form"},
        {A_3_HEADER "=." PAYLOAD "." A_3_SIGNATURE,
         "the JWS header must be base64url: it is padded"},
        {A_3_HEADER "." PAYLOAD "=." A_3_SIGNATURE,
         "the JWS payload must be base64url: it is padded"},
        {A_3 "=", "the JWS signature must be base64url: it is padded"},
        {A_3 "==", "the JWS signature must be base64url: it is padded"},
        {" " A_3, "the JWS header must be base64url: it holds white space"},
        {A_3 " ", "the JWS signature must be base64url: it holds white space"},
        {A_3 "\n", "the JWS signature must be base64url: it holds white space"},
        {A_3_HEADER ". " PAYLOAD "." A_3_SIGNATURE,
         "the JWS payload must be base64url: it holds white space"},
        {A_3_HEADER "\t." PAYLOAD "." A_3_SIGNATURE,
         "the JWS header must be base64url: it holds white space"},
        {A_3_HEADER "." PAYLOAD ".ab+/", "the JWS signature must be base64url: it holds + or /"},
        {A_3_HEADER "." PAYLOAD ".A", "the JWS signature must be base64url: it is cut off"},
        {A_3_HEADER "." PAYLOAD ".AB", "the JWS signature must be base64url: it is cut off"},
        {A_3_HEADER "." PAYLOAD ".AA\x80", "the JWS signature must be base64url: it is cut off"},
        {"eyJhbGciOiJFUzI1NiJ." PAYLOAD "." A_3_SIGNATURE, "the JWS header must be"},
    };
    whk_signed_message_t *parsed;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        assert_refused(parse(&parsed, rows[i].text, NULL), WHK_MALFORMED_JWS, rows[i].message,
                       rows[i].text);
    assert_refused(parse(&parsed, A_3, ""), WHK_MALFORMED_JWS, "the JWS must leave its payload out",
                   "attached and detached");
    assert_refused(parse(&parsed, A_3, "x"), WHK_MALFORMED_JWS,
                   "the JWS must leave its payload out", "attached and detached");
}

/* One value has one spelling: of the last character's, those with unused bits are refused. */
static void one_spelling(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *jws = apr_pstrdup(pool, A_3);
    char *last = jws + strlen(jws) - 1;
    int good = 0;
    int malformed = 0;
    size_t i;

    (void)state;
    for (i = 0; i < 64; i++) {
        const whk_outcome_t *outcome;

        *last = digits[i];
        outcome = judge(key_of(A_3_KEY), jws, NULL);
        good += !outcome;
        malformed += outcome && outcome->code == WHK_MALFORMED_JWS;
    }
    assert_int_equal(good, 1);
    assert_int_equal(malformed, 60);
}

/* A NUL is a byte like another. */
static void nul_bytes(void **state)
{
    static const char with_nul[] = A_3 "\0x";
    whk_signed_message_t *parsed;

    (void)state;
    assert_refused(whk_compact_jws_parse(&parsed, with_nul, sizeof(with_nul) - 1, NULL, 0, pool),
                   WHK_MALFORMED_JWS, "the JWS signature must be base64url", "NUL");
    assert_refused(whk_compact_jws_parse(&parsed, with_nul, sizeof(with_nul) - 2, NULL, 0, pool),
                   WHK_MALFORMED_JWS, "the JWS signature must be base64url", "NUL at the end");
}

/* Without a payload beside it, `h..s` is one over no bytes at all. */
static void no_payload(void **state)
{
    static const struct {
        const signer_t *signer;
        whk_algorithm_t algorithm;
        const char *header;
        int is_encoded;
    } rows[] = {
        {&p256, WHK_ALG_ES256, "{'alg':'ES256'}", 1},
        {&ed25519, WHK_ALG_EDDSA, "{'alg':'EdDSA'}", 1},
        {&p256, WHK_ALG_ES256, "{'alg':'ES256','b64':false,'crit':['b64']}", 0},
        {&ed25519, WHK_ALG_EDDSA, "{'alg':'EdDSA','b64':false,'crit':['b64']}", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const signer_t *signer = rows[i].signer;
        const char *name = row_of(rows[i].algorithm)->name;
        const char *jws =
            detached_of(signer, rows[i].algorithm, rows[i].header, "", 0, rows[i].is_encoded);

        assert_verifies(signer->jwk, jws, NULL, name);
        assert_verifies(signer->jwk, jws, "", name);
        assert_refused(judge(signer->jwk, jws, "x"), WHK_BAD_SIGNATURE, "", "a payload");
        jws = detached_of(signer, rows[i].algorithm, rows[i].header, "x", 1, rows[i].is_encoded);
        assert_verifies(signer->jwk, jws, "x", name);
        assert_refused(judge(signer->jwk, jws, NULL), WHK_BAD_SIGNATURE, "", "of something");
    }
    assert_refused(judge(key_of(A_3_KEY), A_3_HEADER ".." A_3_SIGNATURE, NULL), WHK_BAD_SIGNATURE,
                   "", "of another payload");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rfc_7515_appendix_a), TEST(hmac_and_none),      TEST(detached_examples),
        TEST(rfc_8037_appendix_a), TEST(rfc_7797_section_4), TEST(detached_of_any_length),
        TEST(every_algorithm),     TEST(alg_is_signed_with), TEST(wrong_length),
        TEST(malformed_texts),     TEST(one_spelling),       TEST(nul_bytes),
        TEST(no_payload),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
