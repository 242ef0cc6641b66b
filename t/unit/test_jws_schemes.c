/* The schemes jws, jws-detached and jwt, and their times. */

#include "jws_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(schemes_by_name), TEST(media_types),   TEST(jws_bodies),
        TEST(payload_times),   TEST(payload_names), TEST(detached_requests),
        TEST(detached_times),  TEST(jwt_digest),    TEST(jwt_other_claim),
        TEST(jwt_requests),    TEST(times),         TEST(nothing_repeated),
        TEST(any_character),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws_schemes", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
