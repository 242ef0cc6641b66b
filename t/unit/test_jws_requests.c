/* SPDX-License-Identifier: Apache-2.0 */
/* The schemes jws and jws-detached: where a request has its signature. */

#include "jws_fixture.h"
#include "scheme/scheme.h"

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
    const char *jws = p256_jws("{'alg':'ES256','iat':1800000000}", "opaque");
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
        {"opaque", WHK_MALFORMED_JWS, 0},
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
    policy.allows_undated = 1;
    for (i = 0; i < COUNT(rows); i++) {
        const char *jws = p256_jws("{'alg':'ES256'}", rows[i].payload);
        const whk_outcome_t *as_jwt = judge_request("jws", &jwt, jws);
        const whk_outcome_t *as_jose = judge_request("jws", &jose, jws);

        if ((as_jwt ? as_jwt->code : 0) != rows[i].as_jwt)
            fail_msg("%s as jwt: %s", rows[i].payload, as_jwt ? as_jwt->message : "good");
        if ((as_jose ? as_jose->code : 0) != rows[i].as_jose)
            fail_msg("%s as jose: %s", rows[i].payload, as_jose ? as_jose->message : "good");
    }
    policy.allows_undated = 0;
    for (i = 0; i < COUNT(rows); i++) {
        const char *jws = p256_jws("{'alg':'ES256'}", rows[i].payload);
        const whk_outcome_t *as_jose = judge_request("jws", &jose, jws);

        if ((as_jose ? as_jose->code : 0) !=
            (rows[i].as_jose || strstr(rows[i].payload, "180000") ? rows[i].as_jose : WHK_EXPIRED))
            fail_msg("%s dated, as jose: %s", rows[i].payload, as_jose ? as_jose->message : "good");
    }
}

static void assert_named_twice(const whk_signed_message_t *message)
{
    assert_int_equal(message->replay_ids->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(message->replay_ids, 0, const char *), "jti:the-one");
    assert_memory_equal(APR_ARRAY_IDX(message->replay_ids, 1, const char *), "sig:", 4);
}

/* Nor does it change what a message is called: by what a claim says, and as it is called when its
 * payload is sent apart. */
static void payload_names(void **state)
{
    request_t jwt = {{"Content-Type", "application/jwt"}};
    request_t jose = {{"Content-Type", "application/jose"}};
    const char *named = p256_jws("{'alg':'ES256'}", "{'iat':1800000000,'jti':'the-one'}");
    const char *unnamed = p256_jws("{'alg':'ES256'}", "{'iat':1800000000}");
    const char *twice = p256_jws("{'alg':'ES256','jti':'the-one','iat':1800000000}",
                                 "{'iat':1800000000,'jti':'the-one'}");
    whk_signed_message_t *parsed;

    (void)state;
    assert_good(take_request(&parsed, "jws", &jwt, named), "jwt");
    assert_named_twice(parsed);
    assert_good(take_request(&parsed, "jws", &jose, named), "jose");
    assert_named_twice(parsed);
    assert_good(take_request(&parsed, "jws", &jwt, twice), "twice the same");
    assert_string_equal(name_of(parsed), "jti:the-one");
    assert_good(take_request(&parsed, "jws", &jwt, unnamed), "unnamed");
    assert_memory_equal(name_of(parsed), "sig:", 4);
    assert_int_equal(strlen(name_of(parsed)), 4 + 43);
    assert_refused(judge_request("jws", &jwt,
                                 p256_jws("{'alg':'ES256','jti':'other'}",
                                          "{'iat':1800000000,'jti':'the-one'}")),
                   WHK_MALFORMED_JWS, "jti of the payload of the JWS must not differ", "jti");
    assert_refused(
        judge_request("jws", &jwt,
                      p256_jws("{'alg':'ES256','exp':1800000001}", "{'exp':1800000002}")),
        WHK_MALFORMED_JWS, "exp of the payload of the JWS must not differ", "exp");
}

static void detached_requests(void **state)
{
    const char *jws = detached_of(&p256, WHK_ALG_ES256,
                                  "{'alg':'ES256','kid':'k','iat':1800000000}", "body", 4, 1);
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
                   "the header Webhook-Signature is missing, and with it the signature", "none");
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
        int dated; /* refused as well where it may be undated */
    } rows[] = {
        {"{'alg':'ES256'}", WHK_EXPIRED, 0},
        {"{'alg':'ES256','nbf':1700000000}", WHK_EXPIRED, 0},
        {"{'alg':'ES256','iat':1800000000}", 0, 0},
        {"{'alg':'ES256','exp':1800000010}", 0, 0},
        {"{'alg':'ES256','iat':1799999000}", WHK_EXPIRED, 1},
        {"{'alg':'ES256','exp':1799999000}", WHK_EXPIRED, 1},
        {"{'alg':'ES256','nbf':1800001000}", WHK_EXPIRED, 1},
        {"{'alg':'ES256','exp':1900000000}", WHK_EXPIRED, 1},
        {"{'alg':'ES256','exp':1900000000,'iat':1800000000}", 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        request_t request = {
            {"Webhook-Signature", detached_of(&p256, WHK_ALG_ES256, rows[i].header, "{}", 2, 1)}};
        const whk_outcome_t *outcome = judge_request("jws-detached", &request, "{}");

        if ((outcome ? outcome->code : 0) != rows[i].code)
            fail_msg("%s: %s", rows[i].header, outcome ? outcome->message : "good");
        policy.allows_undated = 1;
        outcome = judge_request("jws-detached", &request, "{}");
        policy.allows_undated = 0;
        if (!outcome == !!rows[i].dated)
            fail_msg("%s, undated: %s", rows[i].header, outcome ? outcome->message : "good");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(schemes_by_name), TEST(media_types),       TEST(jws_bodies),     TEST(payload_times),
        TEST(payload_names),   TEST(detached_requests), TEST(detached_times),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws_requests", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
