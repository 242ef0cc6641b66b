/* SPDX-License-Identifier: Apache-2.0 */
/* Several signatures on one request: which one counts, what the others may look like, and that the
 * message is known again whichever of them are taken away. */

#include "http_signature_fixture.h"
#include "scheme/signed_message.h"

#define LIST "('@method')"
#define LINES "'@method': POST\n"

static signer_t p256;
static signer_t ed25519;

static http_request_t request_without(void)
{
    http_request_t request = {"POST", "hooks.example", "/in", BODY, {{NULL}}};

    return request;
}

static void sign_as(http_request_t *request, const char *label, const signer_t *signer,
                    const char *parameters)
{
    sign_labelled(request, label, signer, signer == &p256 ? WHK_ALG_ES256 : WHK_ALG_EDDSA,
                  apr_pstrcat(pool, LIST, parameters, NULL), LINES);
}

static const char *joined(const apr_array_header_t *texts)
{
    return texts ? apr_array_pstrcat(pool, texts, ' ') : "";
}

/* Choose the one at `index`, and verify it. */
static const whk_outcome_t *judge_one(const http_request_t *request, int index,
                                      const signer_t *signer, whk_signed_message_t **parsed)
{
    const char *algorithm;

    WHK_TRY(parse_http(parsed, request, "@method"));
    assert_non_null((*parsed)->kids);
    WHK_TRY(whk_signed_message_select(*parsed, index, pool));
    return whk_signed_message_verify(*parsed, signer->jwk, EVERY_ALGORITHM, &algorithm, pool);
}

static void candidates(void **state)
{
    http_request_t request = request_without();
    whk_signed_message_t *parsed;

    (void)state;
    sign_as(&request, "z", &p256, ";created=1800000000;keyid='one'");
    sign_as(&request, "no-keyid", &p256, ";created=1800000000");
    sign_as(&request, "a", &ed25519, ";created=1700000000;keyid='two'");
    assert_good(judge_one(&request, 0, &p256, &parsed), "one");
    assert_string_equal(joined(parsed->kids), "one two");
    assert_string_equal(parsed->kid, "one");
    assert_true(parsed->signed_at == NOW);
    assert_good(judge_one(&request, 1, &ed25519, &parsed), "two");
    assert_string_equal(parsed->kid, "two");
    assert_true(parsed->signed_at == apr_time_from_sec(1700000000));
    assert_refused(judge_one(&request, 0, &ed25519, &parsed), WHK_BAD_SIGNATURE, "", "other");
}

/* What must be covered must be so by the one that counts; what the others are does not matter. */
static void shapes_of_others(void **state)
{
    static const struct {
        const char *input, *signature;
    } others[] = {
        {"b=()", "b=:AAAA:"},
        {"b", "b"},
        {"b='x';keyid=7", "b=1.5"},
        {"b=('@x';sf;req 7 token);created='x';keyid=token;nonce=9", "b=(a b c);x=1"},
        {"b=('@status';req);keyid='theirs';alg='none'", "b=:AAAA:;x"},
        {"b=()", NULL},
        {NULL, "b=:AAAA:"},
        {"b=('content-digest';key='x');nonce='theirs'", "b=:AAAA:"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(others); i++) {
        http_request_t request = request_without();
        whk_signed_message_t *parsed;
        const char *algorithm;

        if (others[i].input)
            add_field(&request.fields, "Signature-Input", quoted(others[i].input));
        if (others[i].signature)
            add_field(&request.fields, "Signature", others[i].signature);
        sign_as(&request, "a", &p256, ";created=1800000000;keyid='mine'");
        assert_good(parse_http(&parsed, &request, "@method"), others[i].input);
        if (parsed->kids)
            assert_good(whk_signed_message_select(parsed, parsed->kids->nelts - 1, pool), "mine");
        assert_string_equal(parsed->kid, "mine");
        assert_good(whk_signed_message_verify(parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool),
                    others[i].input);
    }
}

static void the_one_must_be_well_formed(void **state)
{
    static const refused_t rows[] = {
        {"a=('@method' '@x');keyid='mine'", "@x of Signature-Input"},
        {"a=();keyid='mine'", "the signature must cover @method"},
        {"a=('@method');keyid='mine';created='x'", "created of Signature-Input must be"},
        {"a=('@method');keyid='mine';nonce=7", "nonce of Signature-Input must be"},
        {"a;keyid='mine'", "none of several signatures names its key"},
    };
    http_request_t request;
    whk_signed_message_t *parsed;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const whk_outcome_t *outcome;

        request = request_without();
        add_field(&request.fields, "Signature-Input", quoted(rows[i].text));
        add_field(&request.fields, "Signature-Input", "b=()");
        add_field(&request.fields, "Signature", "a=:AAAA:, b=:AAAA:");
        outcome = parse_http(&parsed, &request, "@method");
        if (!outcome)
            outcome = whk_signed_message_select(parsed, 0, pool);
        assert_non_null(outcome);
        if (!strstr(outcome->message, rows[i].message))
            fail_msg("%s: %s", rows[i].text, outcome->message);
    }
    request = request_without();
    add_field(&request.fields, "Signature-Input", quoted("a=('@method');keyid='mine', b=()"));
    add_field(&request.fields, "Signature", "b=:AAAA:");
    assert_good(parse_http(&parsed, &request, "@method"), "without its signature");
    assert_refused(whk_signed_message_select(parsed, 0, pool), WHK_MALFORMED_JWS,
                   "Signature-Input and Signature must have the same label", "");
}

static void tags(void **state)
{
    http_request_t request = request_without();
    http_request_t twice;
    whk_signed_message_t *parsed;
    const char *algorithm;

    (void)state;
    sign_as(&request, "a", &p256, ";created=1800000000;keyid='one';tag='theirs'");
    sign_as(&request, "b", &ed25519, ";created=1800000000;keyid='two';tag='ours'");
    assert_good(parse_tagged(&parsed, &request, "@method", "ours"), "ours");
    assert_null(parsed->kids);
    assert_string_equal(parsed->kid, "two");
    assert_good(whk_signed_message_verify(parsed, ed25519.jwk, EVERY_ALGORITHM, &algorithm, pool),
                "ours");
    assert_refused(parse_tagged(&parsed, &request, "@method", "Ours"), WHK_SIGNATURE_MISSING,
                   "no signature has the tag that is asked for here", "case");
    assert_refused(parse_tagged(&parsed, &request, "@method", "our"), WHK_SIGNATURE_MISSING, "",
                   "part");
    twice = request;
    sign_as(&twice, "c", &p256, ";created=1800000000;keyid='three';tag='ours'");
    assert_refused(parse_tagged(&parsed, &twice, "@method", "ours"), WHK_MALFORMED_JWS,
                   "several signatures have the tag that is asked for here", "two");
    twice = request_without();
    sign_as(&twice, "a", &p256, ";created=1800000000;keyid='one';tag=ours");
    assert_refused(parse_tagged(&parsed, &twice, "@method", "ours"), WHK_SIGNATURE_MISSING, "",
                   "a token is no string");
    twice = request_without();
    sign_as(&twice, "a", &p256, ";created=1800000000;keyid='one'");
    assert_refused(parse_tagged(&parsed, &twice, "@method", "ours"), WHK_SIGNATURE_MISSING, "",
                   "none");
}

/* Whether a name of `all` is among those of the message: then it is known again. */
static int is_known(const whk_signed_message_t *message, const apr_array_header_t *all)
{
    int i;
    int j;

    for (i = 0; i < message->replay_ids->nelts; i++)
        for (j = 0; j < all->nelts; j++)
            if (!strcmp(APR_ARRAY_IDX(message->replay_ids, i, const char *),
                        APR_ARRAY_IDX(all, j, const char *)))
                return 1;
    return 0;
}

/* A request with those signatures of three that `mask` has; each names another key. */
static http_request_t subset(const http_request_t *whole, int mask)
{
    http_request_t request = request_without();
    int i;

    for (i = 0; i < 3; i++) {
        if (!(mask & 1 << i))
            continue;
        add_field(&request.fields, whole->fields.fields[4 * i], whole->fields.fields[4 * i + 1]);
        add_field(&request.fields, whole->fields.fields[4 * i + 2],
                  whole->fields.fields[4 * i + 3]);
    }
    return request;
}

static void names(void **state)
{
    static const char *const nonces[] = {"", ";nonce='n'"};
    size_t i;
    int mask;
    int index;

    (void)state;
    for (i = 0; i < COUNT(nonces); i++) {
        http_request_t whole = request_without();
        whk_signed_message_t *parsed;
        const apr_array_header_t *all;

        sign_as(&whole, "a", &p256, ";created=1800000000;keyid='one'");
        sign_as(&whole, "b", &p256,
                apr_pstrcat(pool, ";created=1800000000;keyid='two'", nonces[i], NULL));
        sign_as(&whole, "c", &ed25519, ";created=1800000000;keyid='three'");
        assert_good(judge_one(&whole, 0, &p256, &parsed), "whole");
        all = parsed->replay_ids;
        assert_int_equal(all->nelts, 3);
        assert_string_equal(APR_ARRAY_IDX(all, 1, const char *),
                            i ? "nonce:n" : APR_ARRAY_IDX(all, 1, const char *));
        for (mask = 1; mask < 8; mask++)
            for (index = 0; index < __builtin_popcount((unsigned)mask); index++) {
                http_request_t part = subset(&whole, mask);

                assert_good(parse_http(&parsed, &part, "@method"), "part");
                if (parsed->kids)
                    assert_good(whk_signed_message_select(parsed, index, pool), "part");
                assert_true(is_known(parsed, all));
                assert_int_equal(parsed->replay_ids->nelts, __builtin_popcount((unsigned)mask));
            }
    }
}

/* The one that counts is named first, a shared nonce is one name, and what is no signature none. */
static void names_in_order(void **state)
{
    http_request_t request = request_without();
    whk_signed_message_t *parsed;

    (void)state;
    sign_as(&request, "a", &p256, ";keyid='one';nonce='x'");
    sign_as(&request, "b", &p256, ";keyid='two';nonce='y'");
    sign_as(&request, "c", &p256, ";keyid='three';nonce='y'");
    add_field(&request.fields, "Signature", "d=7, e, f=(:AAAA:)");
    assert_good(judge_one(&request, 1, &p256, &parsed), "two");
    assert_string_equal(joined(parsed->replay_ids), "nonce:y nonce:x");
}

static void how_many(void **state)
{
    http_request_t request = request_without();
    whk_signed_message_t *parsed;
    const char *inputs = "";
    const char *signatures = "";
    int i;

    (void)state;
    for (i = 0; i < WHK_SIGNATURES_MAX; i++) {
        inputs = apr_psprintf(pool, "%s%sx%d=('@method');keyid='k'", inputs, i ? ", " : "", i);
        signatures = apr_psprintf(pool, "%s%sx%d=:AAAA:", signatures, i ? ", " : "", i);
    }
    add_field(&request.fields, "Signature-Input", quoted(inputs));
    add_field(&request.fields, "Signature", signatures);
    assert_good(parse_http(&parsed, &request, "@method"), "16");
    assert_int_equal(parsed->kids->nelts, 16);
    add_field(&request.fields, "Signature", "y=:AAAA:");
    assert_refused(parse_http(&parsed, &request, "@method"), WHK_MALFORMED_JWS,
                   "the header Signature holds more than 16 signatures", "17");
    add_field(&request.fields, "Signature-Input", "y=()");
    assert_refused(parse_http(&parsed, &request, "@method"), WHK_MALFORMED_JWS,
                   "the header Signature-Input holds more than 16 signatures", "17");
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
        TEST(candidates),
        TEST(shapes_of_others),
        TEST(the_one_must_be_well_formed),
        TEST(tags),
        TEST(names),
        TEST(names_in_order),
        TEST(how_many),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("http_signature_several", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
