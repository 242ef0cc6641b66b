/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme http-signature of answers: the example of RFC 9421, section 2.4, what an answer must
 * cover, and of which request. */

#include "http_signature_fixture.h"
#include "jose/jwk.h"
#include "scheme/signed_message.h"

#define P256_KEY                                                                                   \
    "{'kty':'EC','crv':'P-256','x':'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA','y':'Mc4nN9LTDOB" \
    "hfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0'}"
#define BUSY "{\"busy\": true, \"message\": \"Your call is very important to us\"}"
#define BUSY_DIGEST                                                                                \
    "sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsM" \
    "uAg==:"
#define EXAMPLE                                                                                    \
    "reqres=('@status' 'content-digest' 'content-type' '@authority';req '@method';req "            \
    "'@path';req 'content-digest';req);created=1618884479;keyid='test-key-ecc-p256'"
#define EXAMPLE_SIGNATURE                                                                          \
    "reqres=:dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5" \
    "Ag==:"

typedef struct {
    int status;
    http_request_t sent;
    request_t fields;
    const char *body;
} answer_t;

static answer_t example(void)
{
    answer_t answer = {503,
                       {"POST",
                        "example.com",
                        "/foo?param=Value&Pet=dog",
                        BODY,
                        {{"Host", "example.com", "Content-Digest", SHA_512, "Content-Type",
                          "application/json", "Signature", "sig1=:AAAA:"}}},
                       {{"Content-Type", "application/json", "Content-Digest", BUSY_DIGEST}},
                       BUSY};

    return answer;
}

static const whk_outcome_t *judge(const answer_t *answer, const char *required,
                                  const whk_jwk_t *jwk)
{
    whk_scheme_policy_t policy = {.required_components = list_of(required)};
    whk_message_t request = {.method = answer->sent.method,
                             .scheme = "https",
                             .authority = answer->sent.authority,
                             .target = answer->sent.target,
                             .field = field,
                             .baton = (void *)&answer->sent.fields,
                             .body = ""};
    whk_message_t message = {.status = answer->status,
                             .request = &request,
                             .field = field,
                             .baton = (void *)&answer->fields,
                             .body = answer->body,
                             .length = strlen(answer->body)};
    whk_signed_message_t *parsed;
    const char *algorithm;

    WHK_TRY(whk_response_scheme_by_name("http-signature")->parse(&parsed, &message, &policy, pool));
    return whk_signed_message_verify(parsed, jwk, EVERY_ALGORITHM, &algorithm, pool);
}

static void section_2_4(void **state)
{
    const whk_jwk_t *jwk = key_of(P256_KEY);
    answer_t answer = example();

    (void)state;
    add_field(&answer.fields, "Signature-Input", quoted(EXAMPLE));
    add_field(&answer.fields, "Signature", EXAMPLE_SIGNATURE);
    assert_good(judge(&answer, NULL, jwk), "as in the RFC");
    assert_good(judge(&answer, "@path;req content-type", jwk), "what it covers");
    assert_refused(judge(&answer, "@query;req", jwk), WHK_MALFORMED_JWS,
                   "the signature must cover @query;req", "not that");
    assert_refused(judge(&answer, "@path", jwk), WHK_MALFORMED_JWS,
                   "the signature must cover @path", "not the answer's");
    answer.status = 200;
    assert_refused(judge(&answer, NULL, jwk), WHK_BAD_SIGNATURE, "", "another status");
    answer = example();
    add_field(&answer.fields, "Signature-Input", quoted(EXAMPLE));
    add_field(&answer.fields, "Signature", EXAMPLE_SIGNATURE);
    answer.sent.target = "/bar";
    assert_refused(judge(&answer, NULL, jwk), WHK_BAD_SIGNATURE, "", "another request's");
    answer.sent.target = "/foo";
    answer.body = "{\"busy\": false}";
    assert_refused(judge(&answer, NULL, jwk), WHK_DIGEST_MISMATCH, "", "another body");
}

/* Signed by us over these components; `lines` is the rest of the base. */
static const whk_outcome_t *judge_signed(const char *input, const char *lines)
{
    signer_t signer = make_signer(WHK_ALG_ES256, NULL);
    answer_t answer = example();
    http_request_t signing = {.fields = {{NULL}}};

    sign_request(&signing, &signer, WHK_ALG_ES256, input, lines);
    add_field(&answer.fields, "Signature-Input", signing.fields.fields[1]);
    add_field(&answer.fields, "Signature", signing.fields.fields[3]);
    return judge(&answer, NULL, signer.jwk);
}

#define STATUS "'@status': 503\n"
#define DIGEST "'content-digest': " BUSY_DIGEST "\n"

static void what_must_be_covered(void **state)
{
    (void)state;
    assert_good(judge_signed("('@status' 'content-digest' 'content-digest';req)",
                             STATUS DIGEST "'content-digest';req: " SHA_512 "\n"),
                "the digest of the request");
    assert_good(judge_signed("('@status' 'content-digest' 'signature';req;key='sig1')",
                             STATUS DIGEST "'signature';req;key='sig1': :AAAA:\n"),
                "its signature");
    assert_good(judge_signed("('@status' 'content-digest' 'signature';key='sig1';req)",
                             STATUS DIGEST "'signature';key='sig1';req: :AAAA:\n"),
                "in another order");
    assert_refused(judge_signed("('content-digest' 'content-digest';req)",
                                DIGEST "'content-digest';req: " SHA_512 "\n"),
                   WHK_MALFORMED_JWS, "the signature must cover @status", "no status");
    assert_refused(judge_signed("('@status' 'content-digest';req)",
                                STATUS "'content-digest';req: " SHA_512 "\n"),
                   WHK_MALFORMED_JWS, "the signature must cover content-digest",
                   "the request's digest is not the answer's");
    assert_refused(judge_signed("('@status' 'content-digest' '@path';req)",
                                STATUS DIGEST "'@path';req: /foo\n"),
                   WHK_MALFORMED_JWS,
                   "the signature must cover something that only this request has",
                   "nothing of this request alone");
    assert_refused(
        judge_signed("('@status' 'content-digest' '@status';req)", ""), WHK_MALFORMED_JWS,
        "the component @status of Signature-Input is none of a request", "a request has no status");
    assert_refused(judge_signed("('@status' 'content-digest' '@method')", ""), WHK_MALFORMED_JWS,
                   "the component @method of Signature-Input is none of a response",
                   "an answer has no method");
    assert_refused(judge_signed("('@status' 'content-digest' 'x';req;tr)", ""), WHK_MALFORMED_JWS,
                   "the component x of Signature-Input has parameters that a header can't",
                   "no trailers");
    assert_refused(judge_signed("('@status' 'content-digest' 'absent';req)", ""), WHK_MALFORMED_JWS,
                   "the component absent of Signature-Input is covered, but",
                   "what the request has not");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_pool, destroy_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(section_2_4), TEST(what_must_be_covered)};
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("http_signature_response", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
