/* JWS in compact form: its rules, and the worked examples of RFC 7515, RFC 7797 and RFC 8037. */

#include "jws_fixture.h"

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
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
