/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme jwt, and the times of any. */

#include "jws_fixture.h"
#include "scheme/scheme.h"
#include "scheme/signed_message.h"
#include "scheme/signed_message_times.h"

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
    whk_scheme_policy_t other = {.header = "Webhook-Signature", .body_hash_claim = "h"};
    whk_message_t message = {.field = field, .baton = &request, .body = body};
    whk_signed_message_t *parsed;
    const char *algorithm = NULL;

    (void)state;
    assert_good(whk_scheme_jwt.parse(&parsed, &message, &other, pool), "h");
    assert_good(whk_signed_message_verify(parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool),
                "h");
    assert_string_equal(algorithm, "ES256");
    algorithm = NULL;
    other.body_hash_claim = "g";
    assert_good(whk_scheme_jwt.parse(&parsed, &message, &other, pool), "g");
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
    assert_good(take_request(&parsed, "jwt", &good, body), "good");
    assert_string_equal(name_of(parsed), "jti:j");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jwt_digest),
        TEST(jwt_other_claim),
        TEST(jwt_requests),
        TEST(times),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jwt", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
