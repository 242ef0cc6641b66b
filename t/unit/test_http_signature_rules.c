/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme http-signature: its headers and parameters, and what signs. */

#include "http_signature_fixture.h"
#include "jose/jwk.h"
#include "scheme/signed_message_times.h"

#define LIST "('@method' 'content-digest')"
#define LINES "'@method': POST\n'content-digest': " SHA_512 "\n"
#define SIGNATURE_64                                                                               \
    ":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:"

static signer_t p256;

static http_request_t unsigned_request(void)
{
    http_request_t request = {"POST", "hooks.example", "/in", BODY, {{"Content-Digest", SHA_512}}};

    return request;
}

static http_request_t signed_with(const signer_t *signer, whk_algorithm_t algorithm,
                                  const char *parameters)
{
    http_request_t request = unsigned_request();

    sign_request(&request, signer, algorithm, apr_pstrcat(pool, LIST, parameters, NULL), LINES);
    return request;
}

/* As they are, without a signature that would be good. */
static const whk_outcome_t *judge_headers(const char *input, const char *signature)
{
    http_request_t request = unsigned_request();

    if (input)
        add_field(&request.fields, "Signature-Input", quoted(input));
    if (signature)
        add_field(&request.fields, "Signature", signature);
    return judge_http(&request, "", p256.jwk);
}

static void headers(void **state)
{
    static const struct {
        const char *input, *signature;
        whk_code_t code;
        const char *message;
    } rows[] = {
        {NULL, NULL, WHK_SIGNATURE_MISSING, "the header Signature-Input is missing"},
        {NULL, "a=" SIGNATURE_64, WHK_SIGNATURE_MISSING, "the header Signature-Input is missing"},
        {"a=()", NULL, WHK_SIGNATURE_MISSING, "the header Signature is missing"},
        {"", "a=" SIGNATURE_64, WHK_SIGNATURE_MISSING, "the header Signature-Input is missing"},
        {"a=()", " ", WHK_SIGNATURE_MISSING, "the header Signature is missing"},
        {"a=()", "a=" SIGNATURE_64, WHK_BAD_SIGNATURE, "the signature does not fit this key"},
        {"a=()", "b=" SIGNATURE_64, WHK_MALFORMED_JWS, "Signature-Input and Signature must have"},
        {"a=(), b=()", "a=" SIGNATURE_64, WHK_UNKNOWN_KEY,
         "none of several signatures names its key: add keyid"},
        {"a=()", "a=" SIGNATURE_64 ", b=" SIGNATURE_64, WHK_BAD_SIGNATURE,
         "the signature does not fit this key"},
        {"a=(), b;keyid='x', c=();keyid=x", "a=" SIGNATURE_64 ", b=" SIGNATURE_64, WHK_UNKNOWN_KEY,
         "none of several signatures names its key: add keyid"},
        {"a=(), a=()", "a=" SIGNATURE_64, WHK_MALFORMED_JWS,
         "the header Signature-Input must be a dictionary"},
        {"a", "a=" SIGNATURE_64, WHK_MALFORMED_JWS, "Signature-Input must hold a list"},
        {"a='@method'", "a=" SIGNATURE_64, WHK_MALFORMED_JWS, "Signature-Input must hold a list"},
        {"a=()", "a", WHK_MALFORMED_JWS, "Signature must hold the signature in base64"},
        {"a=()", "a=::", WHK_MALFORMED_JWS, "Signature must hold the signature in base64"},
        {"a=()", "a=\"AAAA\"", WHK_MALFORMED_JWS, "Signature must hold the signature in base64"},
        {"a=()", "a=(" SIGNATURE_64 ")", WHK_MALFORMED_JWS, "Signature must hold the signature"},
        {"a=()", "a=" SIGNATURE_64 ";b", WHK_MALFORMED_JWS, "Signature must hold the signature"},
        {"a=()", "a=:AAAA:", WHK_BAD_SIGNATURE,
         "a signature by ES256 with this key has 64 bytes, r and s, not DER, and this one has 3"},
        {"a=()", "a=:AA:", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
        {"a=()", "a=:AB==:", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
        {"a=()", "a=:-_==:", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
        {"a=()", "a=:A===:", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
        {"a=()", "a=:====:", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
        {"a=()", "a=:AA =:", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
        {"a=()", "a=:AAAA", WHK_MALFORMED_JWS, "the header Signature must be a dictionary"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        assert_refused(judge_headers(rows[i].input, rows[i].signature), rows[i].code,
                       rows[i].message, apr_psprintf(pool, "row %d", (int)i));
}

static void several_lines(void **state)
{
    http_request_t request = signed_with(&p256, WHK_ALG_ES256, "");
    http_request_t both = request;

    (void)state;
    assert_good(judge_http(&request, "", p256.jwk), "one");
    add_field(&request.fields, "signature", "sig1=" SIGNATURE_64);
    assert_refused(judge_http(&request, "", p256.jwk), WHK_MALFORMED_JWS,
                   "the header Signature must be a dictionary", "the same label");
    add_field(&both.fields, "signature", "sig2=" SIGNATURE_64);
    add_field(&both.fields, "signature-input", "sig2=()");
    assert_refused(judge_http(&both, "", p256.jwk), WHK_UNKNOWN_KEY,
                   "none of several signatures names its key", "two");
}

static void malformed_fields(void **state)
{
    static const char *const texts[] = {
        "=",
        "a=",
        "a=(",
        "a=)",
        "a=()x",
        "a=();",
        "a=();=1",
        "a=();b=",
        "a=() ;b",
        "a=();b =1",
        "A=()",
        "1=()",
        "-a=()",
        "a=(),",
        ",a=()",
        "a=(),,b=()",
        "a=();b=();c",
        "a=((()))",
        "a=('x''y')",
        "a=('x','y')",
        "a=('x'\t'y')",
        "a=('x\\y')",
        "a=('x",
        "a=('x\\",
        "a=('\\')",
        "a=('\xC3\xA9')",
        "a=('\x7f')",
        "a=(x@)",
        "a=(@x)",
        "a=(?)",
        "a=(?2)",
        "a=(?10)",
        "a=(-)",
        "a=(- 1)",
        "a=(+1)",
        "a=(1.)",
        "a=(.5)",
        "a=(1.1234)",
        "a=(1234567890123456)",
        "a=(1234567890123.1)",
        "a=(1..2)",
        "a=(1.2.3)",
        "a=(--1)",
        "a=(@1659578233)",
        "a=(%'x')",
        "a=(:AAAA)",
        "a=();created=1;created=1",
        "a=();x;x=2",
        "a=('x';y;y)",
        "a=() b=()",
        "a =()",
        "a= ()",
        "a=()\x01",
        "'a'=()",
        "a=();B=1",
        "a=(x;)",
        "a=(;x)",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++)
        assert_refused(judge_headers(texts[i], "a=" SIGNATURE_64), WHK_MALFORMED_JWS,
                       "the header Signature-Input ", texts[i]);
    assert_refused(judge_headers("a=('x';y;y)", "a=" SIGNATURE_64), WHK_MALFORMED_JWS,
                   "the header Signature-Input must be a dictionary (RFC 8941), with no key twice "
                   "and base64 with its padding: it is wrong at character 10",
                   "where");
}

/* Parameters that nobody knows are signed as they were sent, in their one spelling. */
static void serialized(void **state)
{
    static const struct {
        const char *sent, *signed_as;
    } rows[] = {
        {"sig1=( '@method'   'content-digest' );  x", LIST ";x"},
        {"  sig1=" LIST ";x=?1;y=?0;z=a/b:c", LIST ";x;y=?0;z=a/b:c"},
        {"sig1=" LIST ";x=-0;y=007;z=-12 ", LIST ";x=0;y=7;z=-12"},
        {"sig1=" LIST ";a=1.0;b=1.50;c=-0.5;d=0.125;e=-0.0;f=123456789012.001",
         LIST ";a=1.0;b=1.5;c=-0.5;d=0.125;e=0.0;f=123456789012.001"},
        {"sig1=" LIST ";tag='\\'\\\\';x=:+/A=:;y=*a;*z=999999999999999",
         LIST ";tag='\\'\\\\';x=:+/A=:;y=*a;*z=999999999999999"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = unsigned_request();

        sign_request(&request, &p256, WHK_ALG_ES256, rows[i].signed_as, LINES);
        set_field(&request.fields, "Signature-Input", quoted(rows[i].sent));
        assert_good(judge_http(&request, "", p256.jwk), rows[i].sent);
    }
}

static void parameters(void **state)
{
    static const refused_t rows[] = {
        {";created=0", "created of Signature-Input must be a whole number of seconds"},
        {";created=-1", "created of Signature-Input must be a whole number of seconds"},
        {";created='1'", "created of Signature-Input must be a whole number of seconds"},
        {";created=1.5", "created of Signature-Input must be a whole number of seconds"},
        {";created", "created of Signature-Input must be a whole number of seconds"},
        {";created=253402300800", "created of Signature-Input must be a whole number of seconds"},
        {";expires=0", "expires of Signature-Input must be a whole number of seconds"},
        {";expires=abc", "expires of Signature-Input must be a whole number of seconds"},
        {";keyid=abc", "keyid of Signature-Input must be a string in quotes"},
        {";keyid=''", "keyid of Signature-Input must be a string in quotes"},
        {";keyid=:AAAA:", "keyid of Signature-Input must be a string in quotes"},
        {";nonce=1", "nonce of Signature-Input must be a string in quotes"},
        {";nonce=''", "nonce of Signature-Input must be a string in quotes"},
        {";alg=ed25519", "alg of Signature-Input must be a string in quotes"},
        {";alg", "alg of Signature-Input must be a string in quotes"},
    };
    http_request_t request =
        signed_with(&p256, WHK_ALG_ES256, ";expires=253402300799;keyid='K';nonce='n'");
    whk_signed_message_t *parsed;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t bad = signed_with(&p256, WHK_ALG_ES256, rows[i].text);

        assert_refused(judge_http(&bad, "", p256.jwk), WHK_MALFORMED_JWS, rows[i].message,
                       rows[i].text);
    }
    assert_good(parse_http(&parsed, &request, ""), "good");
    assert_true(parsed->signed_at == 0);
    assert_true(parsed->expires == apr_time_from_sec(APR_INT64_C(253402300799)));
    assert_string_equal(parsed->kid, "K");
    assert_string_equal(name_of(parsed), "nonce:n");
    request = signed_with(&p256, WHK_ALG_ES256, "");
    assert_good(parse_http(&parsed, &request, ""), "none");
    assert_null(parsed->kid);
    assert_memory_equal(name_of(parsed), "sig:", 4);
    assert_int_equal(strlen(name_of(parsed)), 4 + 43);
    assert_refused(whk_signed_message_check_times(parsed, NOW, MAX_AGE, SKEW, pool), WHK_EXPIRED,
                   "the signature tells neither", "none");
}

static void kid_compared(void **state)
{
    http_request_t request = signed_with(&p256, WHK_ALG_ES256, ";keyid='other'");
    whk_jwk_t jwk = *p256.jwk;

    (void)state;
    jwk.kid = "mine";
    assert_refused(judge_http(&request, "", &jwk), WHK_KEY_ID_MISMATCH, "", "other");
    request = signed_with(&p256, WHK_ALG_ES256, ";keyid='mine'");
    assert_good(judge_http(&request, "", &jwk), "mine");
}

/* Named by itself, and not named. */
static void algorithms(void **state)
{
    static const struct {
        whk_algorithm_t algorithm;
        const char *name;
    } rows[] = {
        {WHK_ALG_EDDSA, "ed25519"},
        {WHK_ALG_ES256, "ecdsa-p256-sha256"},
        {WHK_ALG_ES384, "ecdsa-p384-sha384"},
        {WHK_ALG_RS256, "rsa-v1_5-sha256"},
        {WHK_ALG_PS512, "rsa-pss-sha512"},
        {WHK_ALG_ES512, NULL},
        {WHK_ALG_ED448, NULL},
        {WHK_ALG_PS256, NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const char *own = row_of(rows[i].algorithm)->name;
        signer_t signer = make_signer(rows[i].algorithm, own);
        http_request_t request = signed_with(&signer, rows[i].algorithm, "");
        const char *name = NULL;

        assert_good(judge_enabled(&request, "", signer.jwk, EVERY_ALGORITHM, &name), own);
        assert_string_equal(name, own);
        assert_refused(judge_enabled(&request, "", signer.jwk, ~(unsigned)rows[i].algorithm, &name),
                       WHK_ALGORITHM_MISMATCH, "Signature-Input has no alg, and this ", own);
        if (!rows[i].name)
            continue;
        request =
            signed_with(&signer, rows[i].algorithm, apr_psprintf(pool, ";alg='%s'", rows[i].name));
        assert_good(judge_http(&request, "", signer.jwk), own);
        assert_refused(judge_enabled(&request, "", signer.jwk, ~(unsigned)rows[i].algorithm, &name),
                       WHK_ALGORITHM_MISMATCH,
                       apr_psprintf(pool, "alg of Signature-Input is %s, and not", rows[i].name),
                       own);
    }
}

static void algorithms_confused(void **state)
{
    static const char *const names[] = {"ed25519", "ecdsa-p384-sha384", "rsa-v1_5-sha256",
                                        "rsa-pss-sha512", "hmac-sha256"};
    static const char *const unknown[] = {"none", "ES256", "hmac-sha512", "ECDSA-P256-SHA256", "x"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        http_request_t request =
            signed_with(&p256, WHK_ALG_ES256, apr_psprintf(pool, ";alg='%s'", names[i]));

        assert_refused(judge_http(&request, "", p256.jwk), WHK_ALGORITHM_MISMATCH,
                       apr_psprintf(pool,
                                    "alg of Signature-Input is %s, and not one that this ECDSA key "
                                    "verifies here: sign with ecdsa-p256-sha256, and say so in alg",
                                    names[i]),
                       names[i]);
    }
    for (i = 0; i < COUNT(unknown); i++) {
        http_request_t request =
            signed_with(&p256, WHK_ALG_ES256, apr_psprintf(pool, ";alg='%s'", unknown[i]));

        assert_refused(judge_http(&request, "", p256.jwk), WHK_ALGORITHM_MISMATCH,
                       "alg of Signature-Input is an unknown algorithm, and not", unknown[i]);
    }
}

static void rsa(void **state)
{
    signer_t signer = make_signer(WHK_ALG_RS256, NULL);
    http_request_t request = signed_with(&signer, WHK_ALG_RS256, ";alg='rsa-v1_5-sha256'");
    http_request_t silent = signed_with(&signer, WHK_ALG_RS256, "");
    http_request_t wrong = signed_with(&signer, WHK_ALG_RS256, ";alg='rsa-pss-sha512'");
    const char *name = NULL;

    (void)state;
    assert_good(judge_http(&request, "", signer.jwk), "named");
    assert_refused(judge_http(&wrong, "", signer.jwk), WHK_BAD_SIGNATURE, "", "another padding");
    assert_refused(judge_http(&silent, "", signer.jwk), WHK_ALGORITHM_MISMATCH,
                   "Signature-Input has no alg, and this RSA key verifies by several", "silent");
    assert_good(judge_enabled(&silent, "", signer.jwk, WHK_ALG_RS256, &name), "the only one");
    assert_string_equal(name, "RS256");
    assert_refused(judge_enabled(&silent, "", signer.jwk, WHK_ALG_RS384 | WHK_ALG_PS384, &name),
                   WHK_ALGORITHM_MISMATCH,
                   "Signature-Input has no alg, and this RSA key verifies by several algorithms "
                   "here: register the key with",
                   "none that has a name");
    assert_refused(judge_enabled(&request, "", signer.jwk, WHK_ALG_PS384, &name),
                   WHK_ALGORITHM_MISMATCH,
                   "alg of Signature-Input is rsa-v1_5-sha256, and not one that this RSA key "
                   "verifies here: sign with PS384, which has no name there",
                   "PS384");
}

static const char *repeated(const char *start, const char *format, int count, const char *end)
{
    apr_array_header_t *pieces = apr_array_make(pool, count, sizeof(const char *));
    int i;

    for (i = 0; i < count; i++)
        APR_ARRAY_PUSH(pieces, const char *) = apr_psprintf(pool, "%s%d", format, i);
    return apr_pstrcat(pool, start, apr_array_pstrcat(pool, pieces, ' '), end, NULL);
}

static void limits(void **state)
{
    char *text = apr_palloc(pool, 40001);
    http_request_t request = unsigned_request();

    (void)state;
    assert_refused(judge_headers(repeated("a=(", "", 64, ")"), "a=" SIGNATURE_64),
                   WHK_MALFORMED_JWS, "Signature-Input must list components", "64");
    assert_refused(judge_headers(repeated("a=(", "", 65, ")"), "a=" SIGNATURE_64),
                   WHK_MALFORMED_JWS, "the header Signature-Input must be a dictionary", "65");
    assert_refused(judge_headers(repeated("a=()", ";x", 1, ""), "a=" SIGNATURE_64),
                   WHK_BAD_SIGNATURE, "", "1");
    memset(text, '(', 40000);
    text[40000] = '\0';
    assert_refused(judge_headers(text, "a=" SIGNATURE_64), WHK_MALFORMED_JWS,
                   "the header Signature-Input is longer than the 32768 bytes", "long");
    text[30000] = '\0';
    assert_refused(judge_headers(text, "a=" SIGNATURE_64), WHK_MALFORMED_JWS,
                   "the header Signature-Input must be a dictionary", "deep");
    memset(text, 'x', 24000);
    text[24000] = '\0';
    add_field(&request.fields, "X-Long", text);
    sign_request(
        &request, &p256, WHK_ALG_ES256, "('x-long' 'x-long';bs)",
        apr_psprintf(pool, "'x-long': %s\n'x-long';bs: :%s:\n", text, base64_of(text, 24000)));
    assert_good(judge_http(&request, "", p256.jwk), "24000");
}

/* Messages are ours: what a request holds never stands in one, but for a component's name. */
static void nothing_repeated(void **state)
{
    static const char *const inputs[] = {
        "SECRET=()",
        "a=('SECRET')",
        "a=('@SECRET')",
        "a=('content-digest';key='SECRET')",
        "a=();alg='SECRET'",
        "a=();keyid=SECRET",
        "a=('secretsecretsecretsecretsecretsecretsecretsecretsecretsecretsecretsecret')",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(inputs); i++) {
        const whk_outcome_t *outcome = judge_headers(inputs[i], "a=" SIGNATURE_64);

        assert_non_null(outcome);
        assert_null(strcasestr(outcome->message, "secret"));
    }
}

static int make_keys(void **state)
{
    int status = make_pool(state);

    p256 = make_signer(WHK_ALG_ES256, NULL);
    return status;
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers),    TEST(several_lines), TEST(malformed_fields), TEST(serialized),
        TEST(parameters), TEST(kid_compared),  TEST(algorithms),       TEST(algorithms_confused),
        TEST(rsa),        TEST(limits),        TEST(nothing_repeated),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("http_signature_rules", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
