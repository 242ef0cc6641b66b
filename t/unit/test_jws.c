/* The JWS schemes: jws, jws-detached and jwt, their times, and what the API's verify parses. */

#include "signing_fixture.h"

#include "jose/jws.h"
#include "jose/signed_message.h"

#define NOW (apr_time_from_sec(1800000000))
#define MAX_AGE (apr_time_from_sec(300))
#define SKEW (apr_time_from_sec(30))

/* RFC 7515, appendix A.1, also the payload of A.2, A.3 and A.5. */
#define PAYLOAD                                                                                    \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

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

#define A_3_KEY                                                                                    \
    "{'kty':'EC','crv':'P-256','x':'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU','y':"             \
    "'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}"
#define A_3_HEADER "eyJhbGciOiJFUzI1NiJ9"
#define A_3_SIGNATURE                                                                              \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define A_3 A_3_HEADER "." PAYLOAD "." A_3_SIGNATURE

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

static signer_t p256;
static signer_t ed25519;

static const char *quoted(const char *text)
{
    char *json = apr_pstrdup(pool, text);
    char *c;

    for (c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    return json;
}

static const char *encoded(const void *bytes, apr_size_t length)
{
    return whk_base64url_encode(pool, bytes, length);
}

static const char *encoded_text(const char *text)
{
    return encoded(text, strlen(text));
}

/* Sign `input` and put the parts together: `middle` is what stands between the dots. */
static const char *finish(const signer_t *signer, whk_algorithm_t algorithm, const char *header,
                          const char *middle, const void *input, apr_size_t length)
{
    signed_t made = sign(signer, algorithm, input, length);

    return apr_pstrcat(pool, header, ".", middle, ".", encoded(made.bytes, made.length), NULL);
}

/* An attached JWS of a header and a payload, JSON with ' for ". */
static const char *jws_of(const signer_t *signer, whk_algorithm_t algorithm, const char *header,
                          const char *payload)
{
    const char *first = encoded_text(quoted(header));
    const char *middle = encoded_text(quoted(payload));
    const char *input = apr_pstrcat(pool, first, ".", middle, NULL);

    return finish(signer, algorithm, first, middle, input, strlen(input));
}

/* A detached one, by the book: the whole of the input in memory. */
static const char *detached_of(const signer_t *signer, whk_algorithm_t algorithm,
                               const char *header, const void *body, apr_size_t length,
                               int is_encoded)
{
    const char *first = encoded_text(quoted(header));
    apr_size_t start = strlen(first) + 1;
    const char *text = is_encoded ? encoded(body, length) : body;
    apr_size_t size = is_encoded ? strlen(text) : length;
    char *input = apr_palloc(pool, start + size);

    memcpy(input, first, start - 1);
    input[start - 1] = '.';
    memcpy(input + start, text, size);
    return finish(signer, algorithm, first, "", input, start + size);
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const char *jws,
                                  const char *payload)
{
    return whk_jws_parse(parsed, jws, strlen(jws), payload, payload ? strlen(payload) : 0, pool);
}

/* Parse and verify, as the API does. */
static const whk_outcome_t *judge_enabled(const whk_jwk_t *jwk, const char *jws,
                                          const char *payload, whk_algorithms_t enabled,
                                          const char **algorithm)
{
    whk_signed_message_t *parsed;

    WHK_TRY(parse(&parsed, jws, payload));
    return whk_signed_message_verify(parsed, jwk, enabled, algorithm, pool);
}

static const whk_outcome_t *judge(const whk_jwk_t *jwk, const char *jws, const char *payload)
{
    const char *algorithm;

    return judge_enabled(jwk, jws, payload, EVERY_ALGORITHM, &algorithm);
}

static void assert_good(const whk_outcome_t *outcome, const char *title)
{
    if (outcome)
        fail_msg("%s: %s: %s", title, whk_code_name(outcome->code), outcome->message);
}

static void assert_verifies(const whk_jwk_t *jwk, const char *jws, const char *payload,
                            const char *wanted)
{
    const char *algorithm = NULL;

    assert_good(judge_enabled(jwk, jws, payload, EVERY_ALGORITHM, &algorithm), jws);
    assert_string_equal(algorithm, wanted);
}

static const whk_jwk_t *key_of(const char *text)
{
    return good_jwk(read_json(text));
}

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

            assert_good(
                whk_jws_parse(&parsed, jws, strlen(jws), (const char *)body, lengths[i], pool),
                jws);
            assert_good(
                whk_signed_message_verify(parsed, signer->jwk, EVERY_ALGORITHM, &name, pool), jws);
            assert_good(
                whk_jws_parse(&parsed, jws, strlen(jws), (const char *)body, lengths[i] + 1, pool),
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

typedef struct {
    const char *text;
    const char *message;
} refused_t;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
        {A_3_HEADER ".." A_3_SIGNATURE, "the JWS has no payload"},
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
    assert_refused(whk_jws_parse(&parsed, with_nul, sizeof(with_nul) - 1, NULL, 0, pool),
                   WHK_MALFORMED_JWS, "the JWS signature must be base64url", "NUL");
    assert_refused(whk_jws_parse(&parsed, with_nul, sizeof(with_nul) - 2, NULL, 0, pool),
                   WHK_MALFORMED_JWS, "the JWS signature must be base64url", "NUL at the end");
}

#define CRIT_RULE "crit of the JWS header must be [\"b64\"]"
#define KEY_RULE "the JWS header must not bring a key along"

static void headers(void **state)
{
    static const refused_t rows[] = {
        {"[]", "the JWS header must be a JSON object"},
        {"null", "the JWS header must be a JSON object"},
        {"'x'", "the JWS header must be a JSON object"},
        {"{'alg':'ES256'", "the JWS header must be JSON: at line 1, column"},
        {"{'alg':'ES256'}}", "the JWS header must be JSON: at line 1"},
        {"{'alg':'ES256'} x", "the JWS header must be JSON: at line 1"},
        {"\xEF\xBB\xBF{'alg':'ES256'}", "the JWS header must be JSON without a byte order mark"},
        {"{'alg':'ES256','x':'\xC3('}", "the JWS header must be JSON: at line 1, column"},
        {"{'alg':'ES256','x':'\xED\xA0\x80'}", "the JWS header must be JSON: at line 1, column"},
        {"{'alg':'ES256','alg':'ES256'}", "the JWS header must be JSON: at line 1, column"},
        {"{'alg':'ES256','kid':'a','\\u006bid':'b'}", "the JWS header must be JSON: at line 1"},
        {"{'alg':'ES256','x':{'y':1,'y':2}}", "the JWS header must be JSON: at line 1, column"},
        {"{'alg':'ES256','kid':'a\\u0000b'}", "the JWS header must be JSON: at line 1, column"},
        {"{'alg':'ES256','x':[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}",
         "the JWS header must be JSON that is nested no deeper"},
        {"{}", "the JWS header must have an alg"},
        {"{'alg':null}", "the JWS header must have an alg"},
        {"{'alg':256}", "the JWS header must have an alg"},
        {"{'alg':['ES256']}", "the JWS header must have an alg"},
        {"{'ALG':'ES256'}", "the JWS header must have an alg"},
        {"{'alg':'ES256','kid':7}", "kid of the JWS header must be a string"},
        {"{'alg':'ES256','kid':null}", "kid of the JWS header must be a string"},
        {"{'alg':'ES256','crit':[]}", CRIT_RULE},
        {"{'alg':'ES256','crit':'b64','b64':true}", CRIT_RULE},
        {"{'alg':'ES256','crit':null}", CRIT_RULE},
        {"{'alg':'ES256','crit':{'b64':true},'b64':true}", CRIT_RULE},
        {"{'alg':'ES256','crit':[64],'b64':true}", CRIT_RULE},
        {"{'alg':'ES256','crit':['exp'],'exp':4102444800}", CRIT_RULE},
        {"{'alg':'ES256','crit':['alg']}", CRIT_RULE},
        {"{'alg':'ES256','crit':['b64','b64'],'b64':true}", CRIT_RULE},
        {"{'alg':'ES256','crit':['b64','x'],'b64':true,'x':1}", CRIT_RULE},
        {"{'alg':'ES256','crit':['x','b64'],'b64':true,'x':1}", CRIT_RULE},
        {"{'alg':'ES256','crit':['B64'],'B64':true}", CRIT_RULE},
        {"{'alg':'ES256','crit':['b64']}", "crit of the JWS header lists b64, which the header"},
        {"{'alg':'ES256','b64':true}", "the JWS header has b64, so it needs crit too"},
        {"{'alg':'ES256','b64':false}", "the JWS header has b64, so it needs crit too"},
        {"{'alg':'ES256','b64':'false','crit':['b64']}", "b64 of the JWS header must be true or"},
        {"{'alg':'ES256','b64':0,'crit':['b64']}", "b64 of the JWS header must be true or false"},
        {"{'alg':'ES256','b64':null,'crit':['b64']}", "b64 of the JWS header must be true or"},
        {"{'alg':'ES256','b64':null}", "b64 of the JWS header must be true or false"},
        {"{'alg':'ES256','b64':false,'crit':['b64']}", "a payload that is not encoded (b64 false)"},
        {"{'alg':'ES256','jwk':{'kty':'EC'}}", KEY_RULE " (jwk)"},
        {"{'alg':'ES256','jwk':null}", KEY_RULE " (jwk)"},
        {"{'alg':'ES256','kid':'a','jku':'https://x.example/'}", KEY_RULE " (jku)"},
        {"{'alg':'ES256','x5u':'https://x.example/'}", KEY_RULE " (x5u)"},
        {"{'alg':'ES256','x5c':['MII']}", KEY_RULE " (x5c)"},
        {"{'alg':'none','jwk':{'kty':'EC'}}", KEY_RULE " (jwk)"},
        {"{'alg':'ES256','exp':'4102444800'}", "exp of the JWS header must be a number of seconds"},
        {"{'alg':'ES256','iat':1800000000000}", "iat of the JWS header must be a number of sec"},
        {"{'alg':'ES256','iat':0}", "iat of the JWS header must be a number of seconds"},
        {"{'alg':'ES256','nbf':-1}", "nbf of the JWS header must be a number of seconds"},
        {"{'alg':'ES256','nbf':null}", "nbf of the JWS header must be a number of seconds"},
        {"{'alg':'ES256','exp':1e300}", "exp of the JWS header must be a number of seconds"},
        {"{'alg':'ES256','jti':''}", "jti of the JWS header must be a string that is not empty"},
        {"{'alg':'ES256','jti':7}", "jti of the JWS header must be a string that is not empty"},
    };
    whk_signed_message_t *parsed;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++)
        assert_refused(parse(&parsed, jws_of(&p256, WHK_ALG_ES256, rows[i].text, "{}"), NULL),
                       WHK_MALFORMED_JWS, rows[i].message, rows[i].text);
}

static void good_headers(void **state)
{
    static const char *const texts[] = {
        " {'alg' : 'ES256' } ",
        "{'alg':'ES256','typ':'JWT','cty':'x','x5t':'abc','unknown':{'jwk':1}}",
        "{'alg':'ES256','kid':''}",
        "{'alg':'ES256','b64':true,'crit':['b64']}",
        "{'alg':'ES256','exp':1.5,'nbf':1,'iat':253402300799}",
        "{'\\u0061lg':'ES256'}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++)
        assert_verifies(p256.jwk, jws_of(&p256, WHK_ALG_ES256, texts[i], "{}"), NULL, "ES256");
}

static void longest_header(void **state)
{
    char *filler = apr_palloc(pool, WHK_JWS_HEADER_MAX + 1);
    const apr_size_t around = strlen("{'alg':'ES256','x':''}");
    whk_signed_message_t *parsed;
    int more;

    (void)state;
    for (more = 0; more < 2; more++) {
        apr_size_t length = WHK_JWS_HEADER_MAX - around + (apr_size_t)more;
        const char *jws;

        memset(filler, 'x', length);
        filler[length] = '\0';
        jws = jws_of(&p256, WHK_ALG_ES256,
                     apr_pstrcat(pool, "{'alg':'ES256','x':'", filler, "'}", NULL), "{}");
        if (more)
            assert_refused(parse(&parsed, jws, NULL), WHK_MALFORMED_JWS,
                           "the JWS header must be at most 8192 bytes long", "8193 bytes");
        else
            assert_verifies(p256.jwk, jws, NULL, "ES256");
    }
}

/* What a parse tells before any key is known. */
static void described(void **state)
{
    whk_signed_message_t *parsed;

    (void)state;
    assert_good(parse(&parsed,
                      jws_of(&p256, WHK_ALG_ES256,
                             "{'alg':'ES256','kid':'k/\xC3\xA9','iat':1800000000.25,'nbf':1,"
                             "'exp':1800000100,'jti':'id-1'}",
                             "{'iat':5,'jti':7}"),
                      NULL),
                "all");
    assert_string_equal(parsed->kid, "k/\xC3\xA9");
    assert_string_equal(parsed->replay_id, "id-1");
    assert_true(parsed->signed_at == NOW + 250000);
    assert_true(parsed->not_before == APR_USEC_PER_SEC);
    assert_true(parsed->expires == NOW + apr_time_from_sec(100));
    assert_false(parsed->needs_time);
    assert_false(parsed->any_ed25519);
    assert_good(parse(&parsed, A_3, NULL), "A.3");
    assert_null(parsed->kid);
    assert_true(!parsed->signed_at && !parsed->not_before && !parsed->expires);
    assert_string_equal(parsed->replay_id, "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmU");
}

/* A kid, where both sides have one, is compared. */
static void kid_compared(void **state)
{
    const char *named = jws_of(&p256, WHK_ALG_ES256, "{'alg':'ES256','kid':'one'}", "{}");
    const char *nameless = jws_of(&p256, WHK_ALG_ES256, "{'alg':'ES256'}", "{}");
    json_t *json = read_json(p256.jwk->public_json);

    (void)state;
    assert_verifies(p256.jwk, named, NULL, "ES256");
    json_object_set_new(json, "kid", json_string("one"));
    assert_verifies(good_jwk(json), named, NULL, "ES256");
    assert_verifies(good_jwk(json), nameless, NULL, "ES256");
    json_object_set_new(json, "kid", json_string("One"));
    assert_refused(judge(good_jwk(json), named, NULL), WHK_KEY_ID_MISMATCH,
                   "the signature names another key", "One");
}

/* A request: fields are name, value, name, value … NULL. */
typedef struct {
    const char *fields[9];
} request_t;

static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *to)
{
    const request_t *request = baton;
    apr_array_header_t *values = apr_array_make(to, 2, sizeof(const char *));
    int i;

    for (i = 0; request->fields[i]; i += 2)
        if (strcasecmp(request->fields[i], name) == 0)
            APR_ARRAY_PUSH(values, const char *) = request->fields[i + 1];
    return values->nelts ? values : NULL;
}

static const whk_outcome_t *parse_request(whk_signed_message_t **parsed, const char *scheme,
                                          const request_t *request, const char *body)
{
    whk_scheme_policy_t policy = {.header = "Webhook-Signature"};
    whk_message_t message = {.method = "POST",
                             .scheme = "https",
                             .authority = "hooks.example",
                             .target = "/",
                             .field = field,
                             .baton = (void *)request,
                             .body = body,
                             .length = strlen(body)};

    return whk_scheme_by_name(scheme)->parse(parsed, &message, &policy, pool);
}

/* Parse, verify and judge the times, as httpd does. */
static const whk_outcome_t *judge_request(const char *scheme, const request_t *request,
                                          const char *body)
{
    whk_signed_message_t *parsed;
    const char *algorithm;

    WHK_TRY(parse_request(&parsed, scheme, request, body));
    WHK_TRY(whk_signed_message_verify(parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool));
    return whk_signed_message_check_times(parsed, NOW, MAX_AGE, SKEW, pool);
}

static const char *p256_jws(const char *header, const char *payload)
{
    return jws_of(&p256, WHK_ALG_ES256, header, payload);
}

static void schemes_by_name(void **state)
{
    static const char *const names[] = {"jws", "jws-detached", "jwt", "http-signature",
                                        "standard-webhooks"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        const whk_scheme_t *scheme = whk_scheme_by_name(names[i]);

        assert_non_null(scheme);
        assert_string_equal(scheme->name, names[i]);
        assert_int_equal(scheme->takes_header, i == 1 || i == 2);
    }
    assert_null(whk_scheme_by_name("JWS"));
    assert_null(whk_scheme_by_name(""));
    assert_null(whk_scheme_by_name("jws-"));
}

static void media_types(void **state)
{
    static const char *const good[] = {"application/jose", "Application/JOSE",
                                       "application/jose; charset=utf-8", "application/jose;x=1"};
    static const char *const bad[] = {"",
                                      "application/json",
                                      "application/jose+json",
                                      "application/jos",
                                      "application/jwtx",
                                      "application/jwt,application/jose",
                                      "text/plain; application/jwt"};
    const char *jws = p256_jws("{'alg':'ES256'}", "opaque");
    request_t twice = {{"Content-Type", "application/jose", "content-type", "application/jose"}};
    request_t none = {{NULL}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++) {
        request_t request = {{"Content-Type", good[i]}};

        assert_good(judge_request("jws", &request, jws), good[i]);
    }
    for (i = 0; i < COUNT(bad); i++) {
        request_t request = {{"Content-Type", bad[i]}};

        assert_refused(judge_request("jws", &request, jws), WHK_SIGNATURE_MISSING,
                       "the body must be a JWS in compact form", bad[i]);
    }
    assert_refused(judge_request("jws", &none, jws), WHK_SIGNATURE_MISSING, "the body must", "");
    assert_refused(judge_request("jws", &twice, jws), WHK_SIGNATURE_MISSING, "the body must", "");
}

static void jws_bodies(void **state)
{
    const char *jws = p256_jws("{'alg':'ES256'}", "opaque");
    request_t jose = {{"Content-Type", "application/jose"}};

    (void)state;
    assert_refused(judge_request("jws", &jose, ""), WHK_MALFORMED_JWS, "a compact JWS", "empty");
    assert_refused(judge_request("jws", &jose, apr_pstrcat(pool, jws, "\n", NULL)),
                   WHK_MALFORMED_JWS, "the JWS signature must be base64url: it holds white space",
                   "new line");
    assert_refused(judge_request("jws", &jose, "{\"payload\":\"\"}"), WHK_MALFORMED_JWS,
                   "this is a JWS in JSON form", "JSON");
    assert_refused(judge_request("jws", &jose,
                                 detached_of(&p256, WHK_ALG_ES256, "{'alg':'ES256'}", "x", 1, 1)),
                   WHK_MALFORMED_JWS, "the JWS has no payload", "detached");
}

/* What a payload says of its times holds whatever the Content-Type, which nobody signed. */
static void payload_times(void **state)
{
    static const struct {
        const char *payload;
        whk_code_t as_jwt;
        whk_code_t as_jose;
    } rows[] = {
        {"{'iat':1800000000}", 0, 0},
        {"{'exp':1800000100}", 0, 0},
        {"\n {'iat':1700000000}", WHK_EXPIRED, WHK_EXPIRED},
        {"{'iat':1700000000}", WHK_EXPIRED, WHK_EXPIRED},
        {"{'exp':1700000000,'iat':1800000000}", WHK_EXPIRED, WHK_EXPIRED},
        {"{'exp':4102444800}", WHK_EXPIRED, WHK_EXPIRED},
        {"{'nbf':1800000100,'iat':1800000000}", WHK_EXPIRED, WHK_EXPIRED},
        {"{'nbf':1700000000}", WHK_EXPIRED, 0},
        {"{}", WHK_EXPIRED, 0},
        {"{'iat':'x'}", WHK_MALFORMED_JWS, 0},
        {"{'jti':7,'iat':1800000000}", WHK_MALFORMED_JWS, 0},
        {"{'iat':0}", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {"[1]", WHK_MALFORMED_JWS, 0},
        {"{not JSON", WHK_MALFORMED_JWS, 0},
        {"{'a':1,'a':2}", WHK_MALFORMED_JWS, 0},
    };
    request_t jwt = {{"Content-Type", "application/jwt"}};
    request_t jose = {{"Content-Type", "application/jose"}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const char *jws = p256_jws("{'alg':'ES256'}", rows[i].payload);
        const whk_outcome_t *as_jwt = judge_request("jws", &jwt, jws);
        const whk_outcome_t *as_jose = judge_request("jws", &jose, jws);

        if ((as_jwt ? as_jwt->code : 0) != rows[i].as_jwt)
            fail_msg("%s as jwt: %s", rows[i].payload, as_jwt ? as_jwt->message : "good");
        if ((as_jose ? as_jose->code : 0) != rows[i].as_jose)
            fail_msg("%s as jose: %s", rows[i].payload, as_jose ? as_jose->message : "good");
    }
}

/* Nor does it change what a message is called. */
static void payload_names(void **state)
{
    request_t jwt = {{"Content-Type", "application/jwt"}};
    request_t jose = {{"Content-Type", "application/jose"}};
    const char *named = p256_jws("{'alg':'ES256'}", "{'iat':1800000000,'jti':'the-one'}");
    const char *twice = p256_jws("{'alg':'ES256','jti':'the-one','iat':1800000000}",
                                 "{'iat':1800000000,'jti':'the-one'}");
    whk_signed_message_t *parsed;

    (void)state;
    assert_good(parse_request(&parsed, "jws", &jwt, named), "jwt");
    assert_string_equal(parsed->replay_id, "the-one");
    assert_true(parsed->needs_time);
    assert_good(parse_request(&parsed, "jws", &jose, named), "jose");
    assert_string_equal(parsed->replay_id, "the-one");
    assert_false(parsed->needs_time);
    assert_good(parse_request(&parsed, "jws", &jwt, twice), "twice the same");
    assert_refused(parse_request(&parsed, "jws", &jwt,
                                 p256_jws("{'alg':'ES256','jti':'other'}",
                                          "{'iat':1800000000,'jti':'the-one'}")),
                   WHK_MALFORMED_JWS, "jti of the payload of the JWS must not differ", "jti");
    assert_refused(
        parse_request(&parsed, "jws", &jwt,
                      p256_jws("{'alg':'ES256','exp':1800000001}", "{'exp':1800000002}")),
        WHK_MALFORMED_JWS, "exp of the payload of the JWS must not differ", "exp");
}

static void detached_requests(void **state)
{
    const char *jws = detached_of(&p256, WHK_ALG_ES256, "{'alg':'ES256','kid':'k'}", "body", 4, 1);
    const char *attached = p256_jws("{'alg':'ES256'}", "body");
    request_t good = {{"webhook-signature", jws}};
    request_t none = {{"Signature", jws}};
    request_t twice = {{"Webhook-Signature", jws, "webhook-signature", jws}};
    request_t empty = {{"Webhook-Signature", ""}};
    request_t joined = {{"Webhook-Signature", apr_pstrcat(pool, jws, ", ", jws, NULL)}};
    request_t whole = {{"Webhook-Signature", attached}};

    (void)state;
    assert_good(judge_request("jws-detached", &good, "body"), "good");
    assert_refused(judge_request("jws-detached", &good, "bodY"), WHK_BAD_SIGNATURE, "", "changed");
    assert_refused(judge_request("jws-detached", &good, "bod"), WHK_BAD_SIGNATURE, "", "truncated");
    assert_refused(judge_request("jws-detached", &good, "body\n"), WHK_BAD_SIGNATURE, "", "longer");
    assert_refused(judge_request("jws-detached", &good, ""), WHK_BAD_SIGNATURE, "", "empty");
    assert_refused(judge_request("jws-detached", &none, "body"), WHK_SIGNATURE_MISSING,
                   "the header Webhook-Signature, with the signature, is missing", "none");
    assert_refused(judge_request("jws-detached", &twice, "body"), WHK_MALFORMED_JWS,
                   "there must be one header Webhook-Signature", "two");
    assert_refused(judge_request("jws-detached", &joined, "body"), WHK_MALFORMED_JWS, "", "joined");
    assert_refused(judge_request("jws-detached", &empty, "body"), WHK_MALFORMED_JWS, "", "empty");
    assert_refused(judge_request("jws-detached", &whole, "body"), WHK_MALFORMED_JWS,
                   "the JWS must leave its payload out", "attached");
}

static void detached_times(void **state)
{
    static const struct {
        const char *header;
        whk_code_t code;
    } rows[] = {
        {"{'alg':'ES256'}", 0},
        {"{'alg':'ES256','iat':1800000000}", 0},
        {"{'alg':'ES256','iat':1799999000}", WHK_EXPIRED},
        {"{'alg':'ES256','exp':1799999000}", WHK_EXPIRED},
        {"{'alg':'ES256','nbf':1800001000}", WHK_EXPIRED},
        {"{'alg':'ES256','exp':1900000000}", WHK_EXPIRED},
        {"{'alg':'ES256','exp':1900000000,'iat':1800000000}", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        request_t request = {
            {"Webhook-Signature", detached_of(&p256, WHK_ALG_ES256, rows[i].header, "{}", 2, 1)}};
        const whk_outcome_t *outcome = judge_request("jws-detached", &request, "{}");

        if ((outcome ? outcome->code : 0) != rows[i].code)
            fail_msg("%s: %s", rows[i].header, outcome ? outcome->message : "good");
    }
}

static const char *sha256(const char *body, unsigned char digest[32])
{
    assert_int_equal(EVP_Digest(body, strlen(body), digest, NULL, EVP_sha256(), NULL), 1);
    return body;
}

static const char *hex_of(const unsigned char *digest, const char *format)
{
    char *text = apr_palloc(pool, 65);
    int i;

    for (i = 0; i < 32; i++)
        apr_snprintf(text + 2 * i, 3, *format == 'X' ? "%02X" : "%02x", digest[i]);
    return text;
}

/* A JWT whose claim, JSON, is the body's digest. */
static request_t jwt_with(const char *claim)
{
    request_t request = {
        {"Webhook-Signature",
         p256_jws("{'alg':'ES256','kid':'k'}",
                  apr_psprintf(pool, "{'iat':1800000000,'request_body_sha256':%s}", claim))}};

    return request;
}

static void jwt_digest(void **state)
{
    unsigned char digest[32];
    const char *body = sha256("the body", digest);
    const char *lower = hex_of(digest, "x");
    const char *upper = hex_of(digest, "X");
    const char *base64url = encoded(digest, 32);
    const char *const good[] = {lower, upper, base64url,
                                apr_pstrcat(pool, apr_pstrndup(pool, lower, 30), upper + 30, NULL)};
    const char *const bad[] = {
        "''",
        "null",
        "7",
        "true",
        apr_psprintf(pool, "['%s']", lower),
        apr_psprintf(pool, "'%.63s'", lower),
        apr_psprintf(pool, "'%s0'", lower),
        apr_psprintf(pool, "'%.63sg'", lower),
        apr_psprintf(pool, "'%.62s0x'", lower),
        apr_psprintf(pool, "'%s='", base64url),
        apr_psprintf(pool, "'%.42s'", base64url),
        apr_psprintf(pool, "'%.42s.'", base64url),
        apr_psprintf(pool, "'sha-256=%s'", base64url),
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++) {
        request_t request = jwt_with(apr_psprintf(pool, "'%s'", good[i]));

        assert_good(judge_request("jwt", &request, body), good[i]);
        assert_refused(judge_request("jwt", &request, "The body"), WHK_DIGEST_MISMATCH,
                       "the claim request_body_sha256 is not the SHA-256 of the body", good[i]);
        assert_refused(judge_request("jwt", &request, ""), WHK_DIGEST_MISMATCH, "", good[i]);
    }
    for (i = 0; i < COUNT(bad); i++) {
        request_t request = jwt_with(bad[i]);

        assert_refused(judge_request("jwt", &request, body), WHK_DIGEST_MISMATCH,
                       "the claim request_body_sha256 must be the SHA-256 of the body as", bad[i]);
    }
}

static void jwt_other_claim(void **state)
{
    unsigned char digest[32];
    const char *body = sha256("", digest);
    const char *jwt = p256_jws(
        "{'alg':'ES256'}", apr_psprintf(pool, "{'exp':1800000001,'h':'%s'}", hex_of(digest, "x")));
    request_t request = {{"Webhook-Signature", jwt}};
    whk_scheme_policy_t policy = {.header = "Webhook-Signature", .body_hash_claim = "h"};
    whk_message_t message = {.field = field, .baton = &request, .body = body};
    whk_signed_message_t *parsed;
    const char *algorithm = NULL;

    (void)state;
    assert_good(whk_scheme_jwt.parse(&parsed, &message, &policy, pool), "h");
    assert_good(whk_signed_message_verify(parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool),
                "h");
    assert_string_equal(algorithm, "ES256");
    algorithm = NULL;
    policy.body_hash_claim = "g";
    assert_good(whk_scheme_jwt.parse(&parsed, &message, &policy, pool), "g");
    assert_refused(whk_signed_message_verify(parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool),
                   WHK_DIGEST_MISMATCH, "the JWT lacks the claim g", "g");
    assert_null(algorithm);
}

static void jwt_requests(void **state)
{
    unsigned char digest[32];
    const char *body = sha256("x", digest);
    const char *claim = apr_psprintf(pool, "'request_body_sha256':'%s'", hex_of(digest, "x"));
    const char *claims = apr_psprintf(pool, "{'iat':1800000000,'jti':'j',%s}", claim);
    const char *jwt = p256_jws("{'alg':'ES256'}", claims);
    request_t none = {{NULL}};
    request_t twice = {{"Webhook-Signature", jwt, "Webhook-Signature", jwt}};
    request_t bearer = {{"Webhook-Signature", apr_pstrcat(pool, "Bearer ", jwt, NULL)}};
    request_t good = {{"Webhook-Signature", jwt}};
    request_t other = {
        {"Webhook-Signature", jws_of(&ed25519, WHK_ALG_EDDSA, "{'alg':'EdDSA'}", claims)}};
    request_t timeless = {
        {"Webhook-Signature", p256_jws("{'alg':'ES256'}", apr_psprintf(pool, "{%s}", claim))}};
    request_t array = {{"Webhook-Signature", p256_jws("{'alg':'ES256'}", "[]")}};
    request_t text = {{"Webhook-Signature", p256_jws("{'alg':'ES256'}", "x")}};
    whk_signed_message_t *parsed;

    (void)state;
    assert_good(judge_request("jwt", &good, body), "good");
    assert_good(parse_request(&parsed, "jwt", &good, body), "good");
    assert_string_equal(parsed->replay_id, "j");
    assert_true(parsed->needs_time);
    assert_refused(judge_request("jwt", &none, body), WHK_SIGNATURE_MISSING, "the header Web", "");
    assert_refused(judge_request("jwt", &twice, body), WHK_MALFORMED_JWS, "there must be one", "");
    assert_refused(judge_request("jwt", &bearer, body), WHK_MALFORMED_JWS,
                   "the header Webhook-Signature must hold the JWT alone, without Bearer",
                   "Bearer");
    assert_refused(judge_request("jwt", &other, body), WHK_ALGORITHM_MISMATCH,
                   "the JWS header says EdDSA, this key is P-256: sign with ES256", "EdDSA");
    assert_refused(judge_request("jwt", &timeless, body), WHK_EXPIRED,
                   "the signature tells neither when it was made", "no time");
    assert_refused(judge_request("jwt", &array, body), WHK_MALFORMED_JWS,
                   "the payload of the JWT must be a JSON object", "array");
    assert_refused(judge_request("jwt", &text, body), WHK_MALFORMED_JWS,
                   "the payload of the JWT must be JSON", "text");
}

static void times(void **state)
{
    /* Seconds from now, 0 for none; max age 300, skew 30. */
    static const struct {
        int signed_at, not_before, expires, needs_time;
        const char *message; /* NULL: good */
    } rows[] = {
        {0, 0, 0, 0, NULL},
        {0, 0, 0, 1, "the signature tells neither when"},
        {0, -5, 0, 0, NULL},
        {0, -5, 0, 1, "the signature tells neither when"},
        {-1, 0, 0, 1, NULL},
        {-330, 0, 0, 1, NULL},
        {-331, 0, 0, 1, "the signature was made (iat, created or timestamp) more than 300 sec"},
        {30, 0, 0, 1, NULL},
        {31, 0, 0, 1, "the signature was made (iat, created or timestamp) in the future"},
        {-331, 0, 1000, 0, "the signature was made (iat, created or timestamp) more than 300 sec"},
        {0, 0, -29, 1, NULL},
        {0, 0, -30, 1, "the signature has ended"},
        {-1, 0, -30, 1, "the signature has ended"},
        {0, 0, 330, 1, NULL},
        {0, 0, 331, 1, "the signature ends (exp or expires) in more than 300 seconds"},
        {0, 0, 331, 0, "the signature ends (exp or expires) in more than 300 seconds"},
        {-1, 0, 100000000, 1, NULL},
        {-1, 30, 0, 1, NULL},
        {-1, 31, 0, 1, "the signature is not good yet"},
        {0, 31, 0, 0, "the signature is not good yet"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        whk_signed_message_t message = {.needs_time = rows[i].needs_time};
        const whk_outcome_t *outcome;
        const char *title = apr_psprintf(pool, "row %d", (int)i);

        message.signed_at = rows[i].signed_at ? NOW + apr_time_from_sec(rows[i].signed_at) : 0;
        message.not_before = rows[i].not_before ? NOW + apr_time_from_sec(rows[i].not_before) : 0;
        message.expires = rows[i].expires ? NOW + apr_time_from_sec(rows[i].expires) : 0;
        outcome = whk_signed_message_check_times(&message, NOW, MAX_AGE, SKEW, pool);
        if (rows[i].message)
            assert_refused(outcome, WHK_EXPIRED, rows[i].message, title);
        else
            assert_good(outcome, title);
    }
}

/* Messages are ours: what a token holds never stands in one, but for an algorithm's name. */
static void nothing_repeated(void **state)
{
    static const char *const headers[] = {
        "{'alg':'ES256','kid':'SECRET','crit':['SECRET'],'SECRET':1}",
        "{'alg':'ES256','kid':'SECRET','jwk':{'d':'SECRET'}}",
        "{'alg':'ES256','kid':'SECRET','iat':'SECRET'}",
        "{'alg':'ES256','kid':'SECRET','jti':['SECRET']}",
        "{'alg':'ES256','SECRET':SECRET}",
        "{'alg':'ES256','SECRET':1,'SECRET':1}",
        "{'alg':'SECRET SECRET','kid':'x'}",
        "{'alg':'ES256','kid':'SECRET','b64':'SECRET','crit':['b64']}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(headers); i++) {
        const whk_outcome_t *outcome = judge(p256.jwk, p256_jws(headers[i], "SECRET"), NULL);

        assert_non_null(outcome);
        assert_null(strstr(outcome->message, "SECRET"));
    }
}

/* Any one character of a good JWS changed, left out or doubled: never good, never more than
 * refused. */
static void any_character(void **state)
{
    const char *jws = p256_jws("{'alg':'ES256','kid':'k'}", "{'iat':1800000000}");
    size_t length = strlen(jws);
    size_t i;

    (void)state;
    assert_good(judge(p256.jwk, jws, NULL), "as it is");
    for (i = 0; i < length; i++) {
        char *changed = apr_pstrdup(pool, jws);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_non_null(judge(p256.jwk, changed, NULL));
        assert_non_null(judge(
            p256.jwk, apr_pstrcat(pool, apr_pstrndup(pool, jws, i), jws + i + 1, NULL), NULL));
        assert_non_null(judge(
            p256.jwk, apr_pstrcat(pool, apr_pstrndup(pool, jws, i + 1), jws + i, NULL), NULL));
        assert_non_null(judge(p256.jwk, apr_pstrndup(pool, jws, i), NULL));
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static int make_keys(void **state)
{
    int status = make_pool(state);

    p256 = make_signer(WHK_ALG_ES256, NULL);
    ed25519 = make_signer(WHK_ALG_EDDSA, NULL);
    return status;
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rfc_7515_appendix_a),
        TEST(hmac_and_none),
        TEST(detached_examples),
        TEST(rfc_8037_appendix_a),
        TEST(rfc_7797_section_4),
        TEST(detached_of_any_length),
        TEST(every_algorithm),
        TEST(alg_is_signed_with),
        TEST(wrong_length),
        TEST(malformed_texts),
        TEST(one_spelling),
        TEST(nul_bytes),
        TEST(headers),
        TEST(good_headers),
        TEST(longest_header),
        TEST(described),
        TEST(kid_compared),
        TEST(schemes_by_name),
        TEST(media_types),
        TEST(jws_bodies),
        TEST(payload_times),
        TEST(payload_names),
        TEST(detached_requests),
        TEST(detached_times),
        TEST(jwt_digest),
        TEST(jwt_other_claim),
        TEST(jwt_requests),
        TEST(times),
        TEST(nothing_repeated),
        TEST(any_character),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
