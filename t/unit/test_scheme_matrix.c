/* SPDX-License-Identifier: Apache-2.0 */
/* A signature of one scheme is none of another: everything that is signed by each, taken to each
 * other with all that an attacker may choose, the same key being registered there.
 *
 * What passes is in a table, with why: there the backend gets the very bytes that were signed. */

#include "jws_fixture.h"
#include "scheme/scheme.h"
#include "scheme/signed_message.h"
#include "scheme/signed_message_audience.h"
#include "scheme/signed_message_times.h"

#define BODY "{\"pay\":1}"
#define DATED "'iat':1800000000"

/* SHA-256 of BODY. */
#define HASH "'request_body_sha256':'%s'"

enum {
    JWS,
    DETACHED,
    JWT,
    HTTP,
    STANDARD,
    SCHEMES
};

static const char *const names[SCHEMES] = {"jws", "jws-detached", "jwt", "http-signature",
                                           "standard-webhooks"};

/* What was signed and the signature, and the bytes that their signer let out of hand. */
typedef struct {
    const char *title;
    int scheme;
    const char *text;      /* what was signed */
    const char *signature; /* base64url */
} source_t;

static signer_t key;

static source_t signed_as(int scheme, const char *title, const char *text)
{
    signed_t made = sign(&key, WHK_ALG_EDDSA, text, strlen(text));
    source_t source = {title, scheme, text, encoded(made.bytes, made.length)};

    return source;
}

static source_t signed_jws(int scheme, const char *title, const char *header, const char *payload,
                           int is_encoded)
{
    payload = quoted(payload);
    return signed_as(scheme, title,
                     apr_pstrcat(pool, encoded_text(quoted(header)), ".",
                                 is_encoded ? encoded_text(payload) : payload, NULL));
}

static const char *claims(void)
{
    unsigned char digest[32];
    char hex[65];
    int i;

    EVP_Digest(BODY, strlen(BODY), digest, NULL, EVP_sha256(), NULL);
    for (i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return apr_psprintf(pool, "{" DATED "," HASH "}", hex);
}

static const whk_outcome_t *judge_at(int scheme, const request_t *request, const char *body)
{
    whk_scheme_policy_t lax = {.header = "Sent",
                               .required_components = apr_array_make(pool, 1, sizeof(char *))};
    whk_message_t message = {.method = "POST",
                             .scheme = "https",
                             .authority = "hooks.example",
                             .target = "/",
                             .field = field,
                             .baton = (void *)request,
                             .body = body,
                             .length = strlen(body)};
    whk_signed_message_t *parsed;
    const char *algorithm;

    lax.allows_undated = policy.allows_undated;
    WHK_TRY(whk_scheme_by_name(names[scheme])->parse(&parsed, &message, &lax, pool));
    WHK_TRY(whk_signed_message_verify(parsed, key.jwk, EVERY_ALGORITHM, &algorithm, pool));
    WHK_TRY(whk_signed_message_check_times(parsed, NOW, MAX_AGE, SKEW, pool));
    return whk_signed_message_check_audience(parsed, pool);
}

static int passed; /* of the ways that were tried */
static const char *arrived;

static void attempt(int scheme, const request_t *request, const char *body)
{
    if (judge_at(scheme, request, body))
        return;
    passed++;
    arrived = body;
}

static const char *decoded(const char *text)
{
    unsigned char *bytes;
    apr_size_t length;

    if (!whk_base64url_decode(pool, text, strlen(text), &bytes, &length))
        return NULL;
    return apr_pstrmemdup(pool, (const char *)bytes, length);
}

/* The three parts of a token, cut at every dot that there is. */
static void to_jws(const source_t *source)
{
    const char *whole = apr_pstrcat(pool, source->text, ".", source->signature, NULL);
    request_t jwt = {{"Content-Type", "application/jwt"}};
    request_t jose = {{"Content-Type", "application/jose"}};

    attempt(JWS, &jwt, whole);
    attempt(JWS, &jose, whole);
}

static void to_detached(const source_t *source)
{
    const char *dot;

    for (dot = strchr(source->text, '.'); dot; dot = strchr(dot + 1, '.')) {
        const char *start = apr_pstrmemdup(pool, source->text, (apr_size_t)(dot - source->text));
        request_t request = {{"Sent", apr_pstrcat(pool, start, "..", source->signature, NULL)}};

        attempt(DETACHED, &request, dot + 1);
        if (decoded(dot + 1))
            attempt(DETACHED, &request, decoded(dot + 1));
    }
}

static void to_jwt(const source_t *source)
{
    request_t request = {{"Sent", apr_pstrcat(pool, source->text, ".", source->signature, NULL)}};
    const char *dot = strchr(source->text, '.');

    attempt(JWT, &request, BODY);
    attempt(JWT, &request, "");
    if (dot) {
        attempt(JWT, &request, dot + 1);
        if (decoded(dot + 1))
            attempt(JWT, &request, decoded(dot + 1));
    }
}

/* With every member of the text that might be one of Signature-Input. */
static void to_http(const source_t *source)
{
    static const char *const inputs[] = {"()", "();created=1800000000",
                                         "('@method');created=1800000000;keyid='k'"};
    const char *bytes = decoded(source->signature);
    size_t i;

    for (i = 0; i < COUNT(inputs); i++) {
        request_t request = {{"Signature-Input", apr_pstrcat(pool, "a=", quoted(inputs[i]), NULL),
                              "Signature",
                              apr_pstrcat(pool, "a=:", base64_of(bytes, 64), ":", NULL)}};

        attempt(HTTP, &request, BODY);
        attempt(HTTP, &request, source->text);
    }
}

/* Cut at every two dots. */
static void to_standard(const source_t *source)
{
    const char *bytes = decoded(source->signature);
    const char *entry = apr_pstrcat(pool, "v1a,", base64_of(bytes, 64), NULL);
    const char *first;
    const char *second;

    for (first = strchr(source->text, '.'); first; first = strchr(first + 1, '.'))
        for (second = strchr(first + 1, '.'); second; second = strchr(second + 1, '.')) {
            request_t request = {
                {"webhook-id",
                 apr_pstrmemdup(pool, source->text, (apr_size_t)(first - source->text)),
                 "webhook-timestamp",
                 apr_pstrmemdup(pool, first + 1, (apr_size_t)(second - first - 1)),
                 "webhook-signature", entry}};

            attempt(STANDARD, &request, second + 1);
        }
}

static void (*const ways[SCHEMES])(const source_t *source) = {to_jws, to_detached, to_jwt, to_http,
                                                              to_standard};

/* A pair that can't be told apart, and what arrives: `p`, the payload that was signed, or `t`, all
 * that was signed with its signature. */
static const struct {
    const char *title;
    int to;
    char what;
    int undated; /* only where a signature need not be dated */
} known[] = {
    {"jws", DETACHED, 'p', 0},           {"detached", JWS, 't', 0},
    {"jws of JSON", DETACHED, 'p', 0},   {"detached JSON", JWS, 't', 0},
    {"jws of claims", DETACHED, 'p', 1},
};

static char expected(const source_t *source, int to)
{
    size_t i;

    for (i = 0; i < COUNT(known); i++)
        if (!strcmp(known[i].title, source->title) && known[i].to == to &&
            known[i].undated <= policy.allows_undated)
            return known[i].what;
    return 0;
}

static void check_pair(const source_t *source, int to)
{
    char what = expected(source, to);
    const char *dot = strchr(source->text, '.');

    passed = 0;
    ways[to](source);
    if (!passed == !!what)
        fail_msg("%s of %s at %s: %s", source->title, names[source->scheme], names[to],
                 passed ? "passes" : "is refused");
    if (what == 'p')
        assert_string_equal(arrived, decoded(dot + 1));
    if (what == 't')
        assert_string_equal(arrived, apr_pstrcat(pool, source->text, ".", source->signature, NULL));
}

static void matrix(void **state)
{
    source_t sources[] = {
        signed_jws(JWS, "jws", "{'alg':'EdDSA'," DATED "}", "opaque", 1),
        signed_jws(JWS, "jws of JSON", "{'alg':'EdDSA'," DATED "}", BODY, 1),
        signed_jws(JWS, "jws of claims", "{'alg':'EdDSA'}", "{" DATED "}", 1),
        signed_jws(JWS, "jws with typ", "{'alg':'EdDSA','typ':'JWT'," DATED "}", "{" DATED "}", 1),
        signed_jws(DETACHED, "detached", "{'alg':'EdDSA'," DATED "}", "opaque", 1),
        signed_jws(DETACHED, "detached JSON", "{'alg':'EdDSA'," DATED "}", BODY, 1),
        signed_jws(DETACHED, "not encoded", "{'alg':'EdDSA'," DATED ",'b64':false,'crit':['b64']}",
                   BODY, 0),
        signed_jws(DETACHED, "like a standard webhook",
                   "{'alg':'EdDSA'," DATED ",'b64':false,'crit':['b64']}", "1800000000." BODY, 0),
        signed_jws(JWT, "jwt", "{'alg':'EdDSA','typ':'JWT'}", claims(), 1),
        signed_jws(JWT, "jwt of another type", "{'alg':'EdDSA','typ':'webhook+jwt'}", claims(), 1),
        signed_jws(JWT, "jwt without typ", "{'alg':'EdDSA'}", claims(), 1),
        signed_as(HTTP, "http",
                  quoted("'@method': POST\n'@signature-params': "
                         "('@method');created=1800000000;keyid='k'")),
        signed_as(HTTP, "http with dots",
                  quoted("'x.1800000000.y': z\n'@signature-params': "
                         "('x.1800000000.y');created=1800000000;keyid='k'")),
        signed_as(STANDARD, "standard", "msg_1.1800000000." BODY),
        signed_as(STANDARD, "standard with a payload in it", "msg_1.1800000000.eyJhIjoxfQ"),
    };
    size_t i;
    int to;

    (void)state;
    for (policy.allows_undated = 0; policy.allows_undated < 2; policy.allows_undated++)
        for (i = 0; i < COUNT(sources); i++)
            for (to = 0; to < SCHEMES; to++)
                if (to != sources[i].scheme)
                    check_pair(&sources[i], to);
    policy.allows_undated = 0;
}

/* What each makes is good where it belongs: else the matrix would show nothing. */
static void at_home(void **state)
{
    source_t jwt = signed_jws(JWT, "jwt", "{'alg':'EdDSA','typ':'JWT'}", claims(), 1);
    source_t jws = signed_jws(JWS, "jws", "{'alg':'EdDSA'," DATED "}", "opaque", 1);
    source_t detached =
        signed_jws(DETACHED, "not encoded", "{'alg':'EdDSA'," DATED ",'b64':false,'crit':['b64']}",
                   "1800000000." BODY, 0);
    source_t http = signed_as(HTTP, "http",
                              quoted("'@method': POST\n'@signature-params': "
                                     "('@method');created=1800000000;keyid='k'"));
    source_t standard = signed_as(STANDARD, "standard", "msg_1.1800000000." BODY);
    const source_t *const all[SCHEMES] = {&jws, &detached, &jwt, &http, &standard};
    int i;

    (void)state;
    for (i = 0; i < SCHEMES; i++) {
        passed = 0;
        ways[i](all[i]);
        if (!passed)
            fail_msg("%s is refused where it belongs", names[i]);
    }
}

static int is_good(const whk_outcome_t *outcome)
{
    return !outcome;
}

/* RFC 8725, section 3.11. */
static void types(void **state)
{
    static const struct {
        const char *typ;
        int is_jwt;   /* refused where no JWT is taken */
        int is_other; /* refused where only a JWT is */
    } rows[] = {
        {"'JWT'", 1, 0},
        {"'jwt'", 1, 0},
        {"'application/jwt'", 1, 0},
        {"'Application/JWT'", 1, 0},
        {"'at+jwt'", 1, 0},
        {"'application/webhook+JWT'", 1, 0},
        {"'JWT;x=1'", 1, 0},
        {"'+jwt'", 1, 0},
        {"'JOSE'", 0, 1},
        {"'webhook'", 0, 1},
        {"'jwt+json'", 0, 1},
        {"'xJWT'", 0, 1},
        {"''", 0, 1},
        {"7", 1, 1},
        {"null", 1, 1},
        {"['JWT']", 1, 1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const char *header = apr_psprintf(pool, "{'alg':'EdDSA'," DATED ",'typ':%s}", rows[i].typ);
        const char *token = jws_of(&key, WHK_ALG_EDDSA, header, "opaque");
        const char *jwt = jws_of(&key, WHK_ALG_EDDSA, header, "{}");
        request_t jose = {{"Content-Type", "application/jose"}};
        request_t as_jwt = {{"Content-Type", "application/jwt"}};
        request_t beside = {{"Sent", jws_of(&key, WHK_ALG_EDDSA, header, claims())}};
        request_t detached = {
            {"Sent", detached_of(&key, WHK_ALG_EDDSA, header, BODY, strlen(BODY), 1)}};

        if (is_good(judge_at(JWS, &jose, token)) == rows[i].is_jwt ||
            is_good(judge_at(DETACHED, &detached, BODY)) == rows[i].is_jwt ||
            is_good(judge_at(JWT, &beside, BODY)) == rows[i].is_other ||
            is_good(judge_at(JWS, &as_jwt, jwt)) == (rows[i].is_jwt && rows[i].is_other))
            fail_msg("typ %s", rows[i].typ);
    }
}

static int make_key(void **state)
{
    int status = make_keys(state);

    key = ed25519;
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(at_home),
        TEST(matrix),
        TEST(types),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("scheme_matrix", tests, make_key, destroy_pool);
    apr_terminate();
    return failed;
}
