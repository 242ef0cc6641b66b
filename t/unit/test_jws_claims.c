/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: for whom and from whom a token is, what it costs to read them, and that nothing is read
 * before its signature is good. */

#include "jws_fixture.h"

#include "scheme/claims.h"

#include <stdlib.h>

#define IAT "'iat':1800000000"

static size_t allocated;

static void *count_malloc(size_t size)
{
    allocated += size;
    return malloc(size);
}

static apr_array_header_t *names(const char *text)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));
    char *rest = apr_pstrdup(pool, text);
    char *name;

    while ((name = apr_strtok(rest, " ", &rest)) != NULL)
        APR_ARRAY_PUSH(list, const char *) = name;
    return list;
}

/* SHA-256 of nothing. */
#define HASH                                                                                       \
    "'request_body_sha256':'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'"

static const whk_outcome_t *judge_jwt(const char *claims)
{
    request_t request = {
        {"Webhook-Signature",
         p256_jws("{'alg':'ES256'}", apr_pstrcat(pool, "{" HASH "," IAT, claims, "}", NULL))}};

    return judge_request("jwt", &request, "");
}

static const whk_outcome_t *judge_body(const char *type, const char *header, const char *payload)
{
    request_t request = {{"Content-Type", type}};

    return judge_request("jws", &request, p256_jws(header, payload));
}

static void assert_code(const whk_outcome_t *outcome, int code, const char *title)
{
    if ((outcome ? (int)outcome->code : -1) != code)
        fail_msg("%s: %s", title, outcome ? outcome->message : "good");
}

/* RFC 7519, section 4.1.3. */
static void audience(void **state)
{
    static const struct {
        const char *claims;
        int unset; /* the code, or -1: good */
        int set;   /* to `here` and `there` */
    } rows[] = {
        {"", -1, WHK_WRONG_AUDIENCE},
        {",'aud':'here'", WHK_WRONG_AUDIENCE, -1},
        {",'aud':'there'", WHK_WRONG_AUDIENCE, -1},
        {",'aud':['here']", WHK_WRONG_AUDIENCE, -1},
        {",'aud':['elsewhere','there']", WHK_WRONG_AUDIENCE, -1},
        {",'aud':'elsewhere'", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':['elsewhere']", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':'Here'", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':'here '", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':'here there'", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':''", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':[]", WHK_WRONG_AUDIENCE, WHK_WRONG_AUDIENCE},
        {",'aud':null", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'aud':7", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'aud':true", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'aud':{'here':1}", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'aud':['here',7]", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'aud':[['here']]", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const char *payload = apr_pstrcat(pool, "{" IAT, rows[i].claims, "}", NULL);
        int is_odd = rows[i].set == WHK_MALFORMED_JWS;

        policy.audiences = NULL;
        assert_code(judge_jwt(rows[i].claims), rows[i].unset, rows[i].claims);
        assert_code(judge_body("application/jwt", "{'alg':'ES256'}", payload), rows[i].unset,
                    payload);
        /* Nobody signed the Content-Type. */
        assert_code(judge_body("application/jose", "{'alg':'ES256'}", payload),
                    is_odd ? -1 : rows[i].unset, payload);
        policy.audiences = names("here there");
        assert_code(judge_jwt(rows[i].claims), rows[i].set, rows[i].claims);
        assert_code(judge_body("application/jwt", "{'alg':'ES256'}", payload), rows[i].set,
                    payload);
        assert_code(judge_body("application/jose", "{'alg':'ES256'}", payload),
                    is_odd ? WHK_WRONG_AUDIENCE : rows[i].set, payload);
    }
    assert_code(judge_body("application/jose", "{'alg':'ES256'," IAT "}", "opaque"),
                WHK_WRONG_AUDIENCE, "no claims");
    assert_code(judge_body("application/jose", "{'alg':'ES256','aud':'here'," IAT "}", "opaque"),
                -1, "in the header");
    assert_code(
        judge_body("application/jwt", "{'alg':'ES256','aud':'here'}", "{'aud':'there'," IAT "}"),
        WHK_MALFORMED_JWS, "another in the header");
    policy.audiences = NULL;
    assert_refused(judge_jwt(",'aud':'x'"), WHK_WRONG_AUDIENCE,
                   "the token has an aud, and this service has no name", "unset");
}

static void issuer(void **state)
{
    static const struct {
        const char *claims;
        int unset;
        int set;
    } rows[] = {
        {"", -1, WHK_WRONG_ISSUER},
        {",'iss':'acme'", -1, -1},
        {",'iss':'Acme'", -1, WHK_WRONG_ISSUER},
        {",'iss':'acme '", -1, WHK_WRONG_ISSUER},
        {",'iss':['acme']", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'iss':7", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {",'iss':''", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const char *payload = apr_pstrcat(pool, "{" IAT, rows[i].claims, "}", NULL);

        policy.issuer = NULL;
        assert_code(judge_jwt(rows[i].claims), rows[i].unset, rows[i].claims);
        policy.issuer = "acme";
        assert_code(judge_jwt(rows[i].claims), rows[i].set, rows[i].claims);
        assert_code(judge_body("application/jwt", "{'alg':'ES256'}", payload), rows[i].set,
                    payload);
    }
    policy.issuer = NULL;
}

/* A detached JWS has no claims; what its header says of them holds all the same. */
static void detached_parties(void **state)
{
    static const struct {
        const char *header;
        int code;
    } rows[] = {
        {"{'alg':'ES256'," IAT "}", -1},
        {"{'alg':'ES256','aud':'here'," IAT "}", -1},
        {"{'alg':'ES256','aud':'elsewhere'," IAT "}", WHK_WRONG_AUDIENCE},
        {"{'alg':'ES256','iss':'acme'," IAT "}", -1},
        {"{'alg':'ES256','iss':'other'," IAT "}", WHK_WRONG_ISSUER},
    };
    size_t i;

    (void)state;
    policy.audiences = names("here");
    policy.issuer = "acme";
    for (i = 0; i < COUNT(rows); i++) {
        request_t request = {
            {"Webhook-Signature", detached_of(&p256, WHK_ALG_ES256, rows[i].header, "{}", 2, 1)}};

        assert_code(judge_request("jws-detached", &request, "{}"), rows[i].code, rows[i].header);
    }
    policy.audiences = NULL;
    policy.issuer = NULL;
}

/* `{"a":"bbb…"}` of a length. */
static const char *claims_of(apr_size_t length, const char *start)
{
    char *text = apr_palloc(pool, length + 1);
    apr_size_t at = strlen(start);

    memset(text, 'b', length);
    memcpy(text, start, at);
    memcpy(text + length - 2, "'}", 3);
    return text;
}

static void longest_claims(void **state)
{
    static const char start[] = "{" IAT "," HASH ",'a':'";
    static const char plain[] = "{" IAT ",'exp':1,'a':'";
    static const char good_start[] = "{" IAT ",'a':'";
    const char *const tokens[] = {
        p256_jws("{'alg':'ES256'}", claims_of(WHK_CLAIMS_MAX, start)),
        p256_jws("{'alg':'ES256'}", claims_of(WHK_CLAIMS_MAX + 1, start)),
    };
    size_t i;

    (void)state;
    /* A field of a request to httpd can't be that long; this is about the claims. */
    for (i = 0; i < COUNT(tokens); i++) {
        request_t request = {{"Webhook-Signature", tokens[i]}};

        assert_refused(judge_request("jwt", &request, ""), WHK_MALFORMED_JWS,
                       "the header Webhook-Signature is longer", "field");
    }
    assert_good(
        judge_body("application/jwt", "{'alg':'ES256'}", claims_of(WHK_CLAIMS_MAX, good_start)),
        "the longest");
    assert_refused(
        judge_body("application/jwt", "{'alg':'ES256'}", claims_of(WHK_CLAIMS_MAX + 1, good_start)),
        WHK_MALFORMED_JWS, "the payload of the JWS must be at most 65536 bytes long", "longer");
    assert_refused(
        judge_body("application/jose", "{'alg':'ES256'}", claims_of(WHK_CLAIMS_MAX, plain)),
        WHK_EXPIRED, "the signature has ended", "looked into");
    assert_good(judge_body("application/jose", "{'alg':'ES256'," IAT "}",
                           claims_of(WHK_CLAIMS_MAX + 1, plain)),
                "not looked into");
    assert_refused(
        judge_body("application/jose", "{'alg':'ES256'}", claims_of(WHK_CLAIMS_MAX + 1, plain)),
        WHK_EXPIRED, "the signature tells neither", "so its header must tell");
}

/* As much JSON as can be made of a length. */
static const char *dear_json(apr_size_t length, const char *piece, const char *start)
{
    apr_size_t size = strlen(piece);
    char *text = apr_palloc(pool, length + 1);
    apr_size_t at = strlen(start);

    memcpy(text, start, at);
    for (; at + size + 4 < length; at += size)
        memcpy(text + at, piece, size);
    strcpy(text + at, "0]}");
    return text;
}

/* Another signature, of the same form. */
static void spoil(char *jws)
{
    char *c = jws + strlen(jws) - 10;

    *c = *c == 'A' ? 'B' : 'A';
}

/* Nothing of a payload is parsed for a signature that is bad: no allocation by jansson but for the
 * header's few. A header is at most 8 KiB, and what it may cost is bounded. */
static void what_it_costs(void **state)
{
    /* JSON may have so many objects and arrays, and no more. */
    static const struct {
        const char *text;
        int claims; /* the code, or -1: good */
        int header;
    } pieces[] = {
        {"[],", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {"{},", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {"[[]],", WHK_MALFORMED_JWS, WHK_MALFORMED_JWS},
        {"0,", -1, WHK_BAD_SIGNATURE},
    };
    request_t jwt = {{"Content-Type", "application/jwt"}};
    const char *payload = dear_json(1 << 20, "{},", "{\"iat\":1800000000,\"x\":[");
    const char *jws = p256_jws("{'alg':'ES256'}", payload);
    char *bad = apr_pstrdup(pool, jws);
    json_malloc_t old_malloc;
    json_free_t old_free;
    size_t i;

    (void)state;
    spoil(bad);
    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(count_malloc, free);
    allocated = 0;
    assert_code(judge_request("jws", &jwt, bad), WHK_BAD_SIGNATURE, "bad");
    assert_true(allocated < 4096);
    allocated = 0;
    assert_code(judge_request("jws", &jwt, jws), WHK_MALFORMED_JWS, "too long");
    assert_true(allocated < 4096);
    for (i = 0; i < COUNT(pieces); i++) {
        const char *claims =
            dear_json(WHK_CLAIMS_MAX, pieces[i].text, "{\"iat\":1800000000,\"x\":[");
        const char *header =
            dear_json(WHK_JWS_HEADER_MAX, pieces[i].text, "{\"alg\":\"ES256\",\"x\":[");

        allocated = 0;
        assert_code(judge_request("jws", &jwt, p256_jws("{'alg':'ES256'}", claims)),
                    pieces[i].claims, pieces[i].text);
        assert_true(allocated < 4 << 20);
        allocated = 0;
        bad = apr_pstrdup(pool, p256_jws(header, "{" IAT "}"));
        spoil(bad);
        assert_code(judge_request("jws", &jwt, bad), pieces[i].header, pieces[i].text);
        assert_true(allocated < 2 << 20);
    }
    json_set_alloc_funcs(old_malloc, old_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(audience),       TEST(issuer),        TEST(detached_parties),
        TEST(longest_claims), TEST(what_it_costs),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("jws_claims", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
