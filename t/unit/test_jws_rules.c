/* SPDX-License-Identifier: Apache-2.0 */
/* What a JWS header may say, and what is told of it. */

#include "jws_fixture.h"
#include "scheme/signed_message.h"

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
    const char *algorithm;

    (void)state;
    assert_good(parse(&parsed,
                      jws_of(&p256, WHK_ALG_ES256,
                             "{'alg':'ES256','kid':'k/\xC3\xA9','iat':1800000000.25,'nbf':1,"
                             "'exp':1800000100,'jti':'id-1'}",
                             "{'iat':5,'jti':7}"),
                      NULL),
                "all");
    assert_string_equal(parsed->kid, "k/\xC3\xA9");
    assert_string_equal(parsed->jti, "id-1");
    assert_null(parsed->replay_ids);
    assert_good(whk_signed_message_verify(parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool),
                "all");
    assert_string_equal(name_of(parsed), "jti:id-1");
    assert_true(parsed->signed_at == NOW + 250000);
    assert_true(parsed->not_before == APR_USEC_PER_SEC);
    assert_true(parsed->expires == NOW + apr_time_from_sec(100));
    assert_false(parsed->needs_time);
    assert_false(parsed->try_all_ed25519);
    assert_good(parse(&parsed, A_3, NULL), "A.3");
    assert_null(parsed->kid);
    assert_true(!parsed->signed_at && !parsed->not_before && !parsed->expires);
    assert_good(
        whk_signed_message_verify(parsed, key_of(A_3_KEY), EVERY_ALGORITHM, &algorithm, pool),
        "A.3");
    assert_string_equal(name_of(parsed), "sig:DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmU");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers),      TEST(good_headers),     TEST(longest_header), TEST(described),
        TEST(kid_compared), TEST(nothing_repeated), TEST(any_character),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws_rules", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
