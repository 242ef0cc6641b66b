/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme http-signature: what it covers, who may sign how, and attacks. */

#include "http_signature_fixture.h"

#define NEWEST ";created=1800000000;keyid='k'"
#define LIST "('@method' '@target-uri' 'content-digest')"
#define LINES                                                                                      \
    "'@method': POST\n'@target-uri': https://hooks.example/in?x=1&y=two%20words\n"                 \
    "'content-digest': " SHA_512 "\n"

static signer_t p256;

static http_request_t unsigned_request(void)
{
    http_request_t request = {"POST",
                              "hooks.example",
                              "/in?x=1&y=two%20words",
                              BODY,
                              {{"Host", "hooks.example", "Content-Digest", SHA_512}}};

    return request;
}

static http_request_t good_request(void)
{
    http_request_t request = unsigned_request();

    sign_request(&request, &p256, WHK_ALG_ES256, LIST NEWEST, LINES);
    return request;
}

static void good(void **state)
{
    http_request_t request = good_request();
    const char *algorithm = NULL;

    (void)state;
    assert_good(judge_enabled(&request, NULL, p256.jwk, EVERY_ALGORITHM, &algorithm), "good");
    assert_string_equal(algorithm, "ES256");
    assert_good(judge_http(&request, "@method Content-Digest @target-uri", p256.jwk), "explicit");
    assert_refused(judge_http(&request, "@method @authority", p256.jwk), WHK_MALFORMED_JWS,
                   "the signature must cover @authority", "authority");
    assert_refused(judge_http(&request, "@path", p256.jwk), WHK_MALFORMED_JWS,
                   "the signature must cover @path", "path");
}

static void changed(void **state)
{
    http_request_t request = good_request();

    (void)state;
    request.method = "post";
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_BAD_SIGNATURE, "", "method");
    request = good_request();
    request.authority = "hooks.example:444";
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_BAD_SIGNATURE, "", "authority");
    request = good_request();
    request.target = "/in?x=1&y=two words";
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_BAD_SIGNATURE, "", "target");
    request = good_request();
    request.body = BODY " ";
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_DIGEST_MISMATCH,
                   "sha-512 of Content-Digest is not that of the body that arrived", "body");
    request.body = "";
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_DIGEST_MISMATCH, "", "no body");
    set_field(&request.fields, "Content-Digest",
              "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_BAD_SIGNATURE, "", "its digest");
    request = good_request();
    add_field(&request.fields, "Content-Digest",
              "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_BAD_SIGNATURE, "", "a line more");
    request = good_request();
    set_field(&request.fields, "Content-Digest", NULL);
    assert_refused(judge_http(&request, NULL, p256.jwk), WHK_MALFORMED_JWS,
                   "the component content-digest of Signature-Input is covered, but the message "
                   "has no such header",
                   "no digest");
}

/* One component each, and its line of the signature base. */
static http_request_t with_headers(const char *target)
{
    http_request_t request = unsigned_request();

    request.target = target;
    add_field(&request.fields, "X-Multi", " one ");
    add_field(&request.fields, "X-Fold", "a \r\n \tb\r\n c");
    add_field(&request.fields, "x-multi", "\ttwo");
    add_field(&request.fields, "X-Dict", "a=1,\tb=(x  \"y\" );  q=1.50;r=?1, c");
    add_field(&request.fields, "X-Dict", "d=-007;s=\"\\\"\\\\\", e=?0, f=:AA==:");
    add_field(&request.fields, "X-Empty", " ");
    add_field(&request.fields, "X-Latin", "caf\xC3\xA9");
    add_field(&request.fields, "X-Break", "a\n\"@method\": GET");
    add_field(&request.fields, "X-Return", "a\rb");
    add_field(&request.fields, "X-List", "1, 2");
    return request;
}

static const char *query_target =
    "/in/%7euser?x=1&y=two+w%6frds&y%20=&z&&a=%2&a=b&%C3%A9=%c3%a9*-._~";

static void components(void **state)
{
    static const refused_t rows[] = {
        {"'@method'", "POST"},
        {"'@authority'", "hooks.example"},
        {"'@scheme'", "https"},
        {"'@path'", "/in/%7euser"},
        {"'@query-param';name='x'", "1"},
        {"'@query-param';name='y'", "two%20words"},
        {"'@query-param';name='y%20'", ""},
        {"'@query-param';name='z'", ""},
        {"'@query-param';name='%C3%A9'", "%C3%A9*-._%7E"},
        {"'x-multi'", "one, two"},
        {"'x-multi';bs", ":b25l:, :dHdv:"},
        {"'x-fold'", "a b c"},
        {"'x-fold';bs", ":YSBiIGM=:"},
        {"'x-dict';key='a'", "1"},
        {"'x-dict';key='b'", "(x 'y');q=1.5;r"},
        {"'x-dict';key='c'", "?1"},
        {"'x-dict';key='d'", "-7;s='\\'\\\\'"},
        {"'x-dict';key='e'", "?0"},
        {"'x-dict';key='f'", ":AA==:"},
        {"'x-empty'", ""},
        {"'x-latin';bs", ":Y2Fmw6k=:"},
        {"'content-digest';key='sha-512'", &SHA_512[8]},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = with_headers(query_target);

        sign_request(&request, &p256, WHK_ALG_ES256,
                     apr_psprintf(pool, "(%s);created=1", rows[i].text),
                     apr_psprintf(pool, "%s: %s\n", rows[i].text, rows[i].message));
        assert_good(judge_http(&request, "", p256.jwk), rows[i].text);
    }
}

static void whole_targets(void **state)
{
    static const struct {
        const char *target, *uri, *path, *query;
    } rows[] = {
        {"/", "https://hooks.example/", "/", "?"},
        {"/a?", "https://hooks.example/a?", "/a", "?"},
        {"/a?b?c", "https://hooks.example/a?b?c", "/a", "?b?c"},
        {"//x/../y", "https://hooks.example//x/../y", "//x/../y", "?"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = unsigned_request();
        const char *lines = apr_psprintf(pool,
                                         "'@target-uri': %s\n'@path': %s\n'@query': "
                                         "%s\n'@request-target': %s\n",
                                         rows[i].uri, rows[i].path, rows[i].query, rows[i].target);

        request.target = rows[i].target;
        sign_request(&request, &p256, WHK_ALG_ES256,
                     "('@target-uri' '@path' '@query' '@request-target')", lines);
        assert_good(judge_http(&request, "@path @query", p256.jwk), rows[i].target);
    }
}

static void components_refused(void **state)
{
    static const refused_t rows[] = {
        {"'@status'", "the component @status of Signature-Input is none of a request"},
        {"'@signature-params'", "the component @signature-params of Signature-Input is none"},
        {"'@nope'", "the component @nope of Signature-Input is none"},
        {"'@Method'", "Signature-Input must list components as strings"},
        {"'@'", "Signature-Input must list components as strings"},
        {"''", "Signature-Input must list components as strings"},
        {"'x multi'", "Signature-Input must list components as strings"},
        {"'X-Multi'", "Signature-Input must list components as strings"},
        {"'x-multi:'", "Signature-Input must list components as strings"},
        {"x-multi", "Signature-Input must list components as strings"},
        {"1", "Signature-Input must list components as strings"},
        {":eA==:", "Signature-Input must list components as strings"},
        {"'@method';req", "the component @method of Signature-Input must have no parameters"},
        {"'@method';tr", "the component @method of Signature-Input must have no parameters"},
        {"'@path';bs", "the component @path of Signature-Input must have no parameters"},
        {"'@query-param'", "the component @query-param of Signature-Input must have the one"},
        {"'@query-param';name=x", "the component @query-param of Signature-Input must have the"},
        {"'@query-param';name='x';req", "the component @query-param of Signature-Input must have"},
        {"'@query-param';name='no'", "the component @query-param of Signature-Input names a "
                                     "parameter that is not in"},
        {"'@query-param';name='a'", "the component @query-param of Signature-Input names a "
                                    "parameter that is in the query more than once"},
        {"'@query-param';name=''", "the component @query-param of Signature-Input names a "
                                   "parameter that is not in"},
        {"'x-multi';sf", "the component x-multi of Signature-Input has the parameter sf, which"},
        {"'x-multi';req", "the component x-multi of Signature-Input has parameters that"},
        {"'x-multi';tr", "the component x-multi of Signature-Input has parameters that"},
        {"'x-multi';bs=?0", "the component x-multi of Signature-Input has parameters that"},
        {"'x-multi';bs=1", "the component x-multi of Signature-Input has parameters that"},
        {"'x-multi';bs;req", "the component x-multi of Signature-Input has parameters that"},
        {"'x-dict';bs;key='a'", "the component x-dict of Signature-Input has parameters that"},
        {"'x-dict';key=a", "the component x-dict of Signature-Input must have a string"},
        {"'x-dict';key='zz'", "the component x-dict of Signature-Input has a key that is not"},
        {"'x-list';key='a'", "the header x-list must be a dictionary (RFC 8941)"},
        {"'x-absent'", "the component x-absent of Signature-Input is covered, but"},
        {"'x-absent';bs", "the component x-absent of Signature-Input is covered, but"},
        {"'x-absent';key='a'", "the component x-absent of Signature-Input is covered, but"},
        {"'x-latin'", "the component x-latin of Signature-Input has a value that is not ASCII"},
        {"'x-break'", "the header x-break holds a line break"},
        {"'x-break';bs", "the header x-break holds a line break"},
        {"'x-return'", "the header x-return holds a line break"},
        {"'@method' '@method'", "the component @method of Signature-Input is there twice"},
        {"'x-multi' '@path' 'x-multi'", "the component x-multi of Signature-Input is there twice"},
        {"'x-multi';bs 'x-multi';bs", "the component x-multi of Signature-Input is there twice"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = with_headers(query_target);

        sign_request(&request, &p256, WHK_ALG_ES256,
                     apr_psprintf(pool, "(%s);created=1", rows[i].text), "");
        assert_refused(judge_http(&request, "", p256.jwk), WHK_MALFORMED_JWS, rows[i].message,
                       rows[i].text);
    }
}

/* No server takes such a target; but a line break must not make a line of its own. */
static void line_break_in_target(void **state)
{
    http_request_t request = unsigned_request();

    (void)state;
    request.target = "/a\n\"@method\": GET";
    sign_request(&request, &p256, WHK_ALG_ES256, "('@path' '@method')",
                 "'@path': /a\n'@method': GET\n'@method': POST\n");
    assert_refused(judge_http(&request, "", p256.jwk), WHK_MALFORMED_JWS,
                   "the component @path of Signature-Input has a value that is not ASCII", "path");
}

static void asterisk(void **state)
{
    static const char *const names[] = {"@target-uri", "@path", "@query"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        http_request_t request = unsigned_request();

        request.target = "*";
        sign_request(&request, &p256, WHK_ALG_ES256, apr_psprintf(pool, "('%s')", names[i]), "");
        assert_refused(judge_http(&request, "", p256.jwk), WHK_MALFORMED_JWS, "the component @",
                       names[i]);
    }
}

/* What must be covered where nobody says: the method, where it goes, and the body. */
static void covered_by_default(void **state)
{
    static const struct {
        const char *list, *target, *message;
    } rows[] = {
        {"'@method' '@request-target' 'content-digest'", "/a?b", NULL},
        {"'@path' '@method' 'content-digest'", "/a", NULL},
        {"'@path' '@query' '@method' 'content-digest'", "/a?b", NULL},
        {"'@path' '@method' 'content-digest'", "/a?b", "the signature must cover @target-uri"},
        {"'@query' '@method' 'content-digest'", "/a?b", "the signature must cover @target-uri"},
        {"'@target-uri' 'content-digest'", "/a", "the signature must cover @method"},
        {"'@target-uri' '@method'", "/a", "the signature must cover content-digest"},
        {"'@target-uri' '@method' 'content-digest';bs", "/a",
         "the signature must cover content-digest, without parameters"},
        {"'@target-uri' '@method' 'content-digest';key='sha-512'", "/a",
         "the signature must cover content-digest, without parameters"},
        {"", "/a", "the signature must cover @method"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = unsigned_request();
        const whk_outcome_t *outcome;

        request.target = rows[i].target;
        sign_request(&request, &p256, WHK_ALG_ES256, apr_psprintf(pool, "(%s)", rows[i].list), "");
        outcome = judge_http(&request, NULL, p256.jwk);
        if (rows[i].message)
            assert_refused(outcome, WHK_MALFORMED_JWS, rows[i].message, rows[i].list);
        else
            assert_refused(outcome, WHK_BAD_SIGNATURE, "", rows[i].list);
    }
}

#define SHA_256 "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
#define SHA_256_OF_NONE "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

static void digests(void **state)
{
    static const struct {
        const char *value;
        whk_code_t code;
        const char *message; /* NULL: good */
    } rows[] = {
        {SHA_256, 0, NULL},
        {SHA_512 ", " SHA_256, 0, NULL},
        {"md5=:AA==:, x, " SHA_256, 0, NULL},
        {SHA_256 ";of=body", 0, NULL},
        {SHA_256_OF_NONE, WHK_DIGEST_MISMATCH, "sha-256 of Content-Digest is not that"},
        {SHA_512 ", " SHA_256_OF_NONE, WHK_DIGEST_MISMATCH, "sha-256 of Content-Digest is not"},
        {"", WHK_DIGEST_MISMATCH, "Content-Digest must hold a sha-256 or a sha-512"},
        {"md5=:AA==:", WHK_DIGEST_MISMATCH, "Content-Digest must hold a sha-256 or a sha-512"},
        {"sha-256", WHK_MALFORMED_JWS, "sha-256 of Content-Digest must be 32 bytes"},
        {"sha-256=abc", WHK_MALFORMED_JWS, "sha-256 of Content-Digest must be 32 bytes"},
        {"sha-256=::", WHK_MALFORMED_JWS, "sha-256 of Content-Digest must be 32 bytes"},
        {"sha-256=(:AA==:)", WHK_MALFORMED_JWS, "sha-256 of Content-Digest must be 32 bytes"},
        {"sha-512=:AA==:, " SHA_256, WHK_MALFORMED_JWS, "sha-512 of Content-Digest must be 64"},
        {SHA_256 ", " SHA_256, WHK_MALFORMED_JWS, "the header Content-Digest must be a dict"},
        {"SHA-256=:AA==:", WHK_MALFORMED_JWS, "the header Content-Digest must be a dictionary"},
        {"sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=", WHK_MALFORMED_JWS,
         "the header Content-Digest must be a dictionary"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        http_request_t request = unsigned_request();
        const whk_outcome_t *outcome;

        set_field(&request.fields, "Content-Digest", rows[i].value);
        sign_request(&request, &p256, WHK_ALG_ES256, "('content-digest')",
                     apr_psprintf(pool, "'content-digest': %s\n", rows[i].value));
        outcome = judge_http(&request, "content-digest", p256.jwk);
        if (rows[i].message)
            assert_refused(outcome, rows[i].code, rows[i].message, rows[i].value);
        else
            assert_good(outcome, rows[i].value);
    }
}

/* However it is covered, the digest counts; not covered, it proves nothing and is not looked at. */
static void digest_with_parameters(void **state)
{
    http_request_t request = unsigned_request();

    (void)state;
    request.body = "else";
    sign_request(&request, &p256, WHK_ALG_ES256, "('content-digest';key='sha-512')",
                 apr_pstrcat(pool, "'content-digest';key='sha-512': ", &SHA_512[8], "\n", NULL));
    assert_refused(judge_http(&request, "", p256.jwk), WHK_DIGEST_MISMATCH, "", "key");
    request = unsigned_request();
    request.body = "else";
    sign_request(&request, &p256, WHK_ALG_ES256, "('@method')", "'@method': POST\n");
    assert_good(judge_http(&request, "@method", p256.jwk), "not covered");
}

/* Any one character changed or left out, and any part of the end: never good, and never more than
 * refused. */
static void any_character(void **state)
{
    static const char *const names[] = {"Signature-Input", "Signature", "Content-Digest"};
    http_request_t request = good_request();
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        const apr_array_header_t *values = field(&request.fields, names[i], pool);
        const char *value = APR_ARRAY_IDX(values, 0, const char *);

        for (j = 0; value[j]; j++) {
            http_request_t other = request;
            char *text = apr_pstrdup(pool, value);

            text[j] = text[j] == 'A' ? 'B' : 'A';
            set_field(&other.fields, names[i], text);
            assert_non_null(judge_http(&other, NULL, p256.jwk));
            set_field(&other.fields, names[i],
                      apr_pstrcat(pool, apr_pstrndup(pool, value, j), value + j + 1, NULL));
            assert_non_null(judge_http(&other, NULL, p256.jwk));
            set_field(&other.fields, names[i], apr_pstrndup(pool, value, j));
            assert_non_null(judge_http(&other, NULL, p256.jwk));
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
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
        TEST(good),
        TEST(changed),
        TEST(components),
        TEST(whole_targets),
        TEST(components_refused),
        TEST(line_break_in_target),
        TEST(asterisk),
        TEST(covered_by_default),
        TEST(digests),
        TEST(digest_with_parameters),
        TEST(any_character),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("http_signature", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
