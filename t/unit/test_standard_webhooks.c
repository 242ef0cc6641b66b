/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme standard-webhooks, with its asymmetric signatures, v1a. */

#include "jose/jwk.h"
#include "scheme/scheme.h"
#include "scheme/signed_message.h"
#include "scheme/signed_message_times.h"
#include "signing_fixture.h"

#include <sys/resource.h>

#define ID "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
#define BODY "{\"test\": 2432232314}"

static signer_t ed25519;

static const char *entry_of(const signer_t *signer, const char *id, const char *timestamp,
                            const char *body)
{
    const char *text = apr_pstrcat(pool, id, ".", timestamp, ".", body, NULL);
    signed_t made = sign(signer, WHK_ALG_EDDSA, text, strlen(text));

    return apr_pstrcat(pool, "v1a,", base64_of(made.bytes, made.length), NULL);
}

static request_t request_of(const char *id, const char *timestamp, const char *signature)
{
    request_t request = {{NULL}};

    if (id)
        add_field(&request, "webhook-id", id);
    if (timestamp)
        add_field(&request, "webhook-timestamp", timestamp);
    if (signature)
        add_field(&request, "webhook-signature", signature);
    return request;
}

static request_t good_request(void)
{
    return request_of(ID, "1800000000", entry_of(&ed25519, ID, "1800000000", BODY));
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const request_t *request,
                                  const char *body)
{
    whk_scheme_policy_t policy = {0};
    whk_message_t message = {
        .field = field, .baton = (void *)request, .body = body, .length = strlen(body)};

    return whk_scheme_standard_webhooks.parse(parsed, &message, &policy, pool);
}

static const whk_outcome_t *judge_with(const request_t *request, const char *body,
                                       const whk_jwk_t *jwk, whk_algorithms_t enabled)
{
    whk_signed_message_t *parsed;
    const char *algorithm = NULL;

    WHK_TRY(parse(&parsed, request, body));
    WHK_TRY(whk_signed_message_verify(parsed, jwk, enabled, &algorithm, pool));
    assert_string_equal(algorithm, "EdDSA");
    return whk_signed_message_check_times(parsed, NOW, MAX_AGE, SKEW, pool);
}

static const whk_outcome_t *judge(const request_t *request, const char *body)
{
    return judge_with(request, body, ed25519.jwk, EVERY_ALGORITHM);
}

static void good(void **state)
{
    request_t request = good_request();
    request_t empty = request_of("x", "1800000000", entry_of(&ed25519, "x", "1800000000", ""));
    whk_signed_message_t *parsed;

    (void)state;
    assert_good(judge(&request, BODY), "good");
    assert_good(judge(&empty, ""), "no body");
    assert_good(parse(&parsed, &request, BODY), "good");
    assert_null(parsed->kid);
    assert_true(parsed->try_all_ed25519 && parsed->needs_time);
    assert_int_equal(parsed->signature_count, 1);
    assert_string_equal(name_of(parsed), "id:" ID);
    assert_true(parsed->signed_at == NOW);
    assert_true(parsed->expires == 0 && parsed->not_before == 0);
}

static void changed(void **state)
{
    const char *entry = entry_of(&ed25519, ID, "1800000000", BODY);
    signer_t other = make_signer(WHK_ALG_EDDSA, NULL);
    request_t request = good_request();

    (void)state;
    assert_refused(judge(&request, BODY " "), WHK_BAD_SIGNATURE, "no v1a of webhook-signature fits",
                   "body");
    assert_refused(judge(&request, ""), WHK_BAD_SIGNATURE, "", "no body");
    assert_refused(judge_with(&request, BODY, other.jwk, EVERY_ALGORITHM), WHK_BAD_SIGNATURE, "",
                   "another key");
    request = request_of(ID, "1800000001", entry);
    assert_refused(judge(&request, BODY), WHK_BAD_SIGNATURE, "", "timestamp");
    request = request_of(ID "x", "1800000000", entry);
    assert_refused(judge(&request, BODY), WHK_BAD_SIGNATURE, "", "id");
    request = request_of(ID, "1799999600", entry_of(&ed25519, ID, "1799999600", BODY));
    assert_refused(judge(&request, BODY), WHK_EXPIRED, "", "old");
    request = request_of(ID, "1800000031", entry_of(&ed25519, ID, "1800000031", BODY));
    assert_refused(judge(&request, BODY), WHK_EXPIRED, "", "future");
}

/* The dot tells where an id ends, so it may hold none. */
static void ids(void **state)
{
    static const char *const bad[] = {"a.b", ".", "a b", "caf\xC3\xA9", "a\tb", "a\x7f"};
    char *text = apr_pcalloc(pool, 257);
    request_t request;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bad); i++) {
        request = request_of(bad[i], "1800000000", entry_of(&ed25519, bad[i], "1800000000", BODY));
        assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS, i < 5 ? "webhook-id must be" : "",
                       bad[i]);
    }
    memset(text, 'i', 256);
    request = request_of(text, "1800000000", entry_of(&ed25519, text, "1800000000", BODY));
    assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS, "webhook-id must be", "256");
    text[255] = '\0';
    request = request_of(text, "1800000000", entry_of(&ed25519, text, "1800000000", BODY));
    assert_good(judge(&request, BODY), "255");
}

/* What could be the start of what another scheme signs: a JWS header, or a signature base. */
static void ids_of_other_schemes(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"EdDSA\"}", "{}", "{\"", " {}", "\t\r\n {\"b64\":false}", "\xEF\xBB\xBF{\"a\"",
    };
    /* The others are headers to libraries that decode leniently. */
    static const char *const others[] = {"\"x",  "\"",   "x\"",  "\"@method\":",    "eyJ",
                                         "eyJ=", "eyJ+", "e30=", "ey!JhbGciOiJ4In0"};
    static const char *const good[] = {
        "msg_{", "e", "ew", "e_8", "{}", "x", "e5f0c9d2-1b1c-4f0e-9a54-4d5aa5e0f3c1", "e30a"};
    request_t request;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(headers) + COUNT(others); i++) {
        const char *id =
            i < COUNT(headers)
                ? whk_base64url_encode(pool, (const unsigned char *)headers[i], strlen(headers[i]))
                : others[i - COUNT(headers)];

        request = request_of(id, "1800000000", entry_of(&ed25519, id, "1800000000", BODY));
        assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS,
                       "webhook-id must hold no quotation mark", id);
    }
    for (i = 0; i < COUNT(good); i++) {
        request =
            request_of(good[i], "1800000000", entry_of(&ed25519, good[i], "1800000000", BODY));
        assert_good(judge(&request, BODY), good[i]);
    }
}

/* The key is named beside the signature. */
static void named_key(void **state)
{
    request_t request = good_request();
    whk_signed_message_t *parsed;

    (void)state;
    add_field(&request, "webhook-key-id", " my key/\xC3\xA9 ");
    assert_good(parse(&parsed, &request, BODY), "named");
    assert_string_equal(parsed->kid, "my key/\xC3\xA9");
    assert_false(parsed->try_all_ed25519);
    assert_good(judge(&request, BODY), "named");
    add_field(&request, "Webhook-Key-Id", "other");
    assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS, "there must be one header webhook-key",
                   "two");
}

/* However many signatures and keys are tried, they cost one copy of the body. */
static void one_copy(void **state)
{
    apr_size_t size = 1 << 20;
    char *body = apr_palloc(pool, size + 1);
    const char *entry = entry_of(&ed25519, ID, "1800000000", "else");
    const char *text = "";
    whk_signed_message_t *parsed;
    const char *algorithm;
    struct rusage before;
    struct rusage after;
    request_t request;
    int i;

    (void)state;
    memset(body, 'x', size);
    body[size] = '\0';
    for (i = 0; i < WHK_SIGNATURES_MAX; i++)
        text = apr_pstrcat(pool, text, entry, " ", NULL);
    request = request_of(ID, "1800000000", text);
    assert_good(parse(&parsed, &request, body), "parsed");
    getrusage(RUSAGE_SELF, &before);
    for (i = 0; i < WHK_SIGNATURES_MAX; i++)
        assert_refused(
            whk_signed_message_verify(parsed, ed25519.jwk, EVERY_ALGORITHM, &algorithm, pool),
            WHK_BAD_SIGNATURE, "no v1a of webhook-signature fits this key", "all");
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 2 * 1024);
}

static void timestamps(void **state)
{
    static const char *const bad[] = {
        "0",
        "-1800000000",
        "+1800000000",
        "01800000000",
        "1800000000.0",
        "1800000000a",
        "1800000000000",
        "0x6B49D200",
        "1800000000 1",
        "253402300800",
        "99999999999999999999999999",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bad); i++) {
        request_t request = request_of(ID, bad[i], entry_of(&ed25519, ID, bad[i], BODY));

        assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS,
                       "webhook-timestamp must be a whole number of seconds", bad[i]);
    }
}

static void headers(void **state)
{
    static const char *const names[] = {"webhook-id", "webhook-timestamp", "webhook-signature"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        request_t request = good_request();

        add_field(&request, names[i], request.fields[2 * i + 1]);
        assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS,
                       apr_psprintf(pool, "there must be one header %s, not several", names[i]),
                       names[i]);
        request = good_request();
        set_field(&request, names[i], NULL);
        assert_refused(judge(&request, BODY), WHK_SIGNATURE_MISSING,
                       apr_psprintf(pool, "the header %s is missing", names[i]), names[i]);
        request = good_request();
        set_field(&request, names[i], " ");
        assert_refused(judge(&request, BODY), i < 2 ? WHK_MALFORMED_JWS : WHK_SIGNATURE_MISSING,
                       names[i], "blank");
    }
}

static void entries(void **state)
{
    const char *entry = entry_of(&ed25519, ID, "1800000000", BODY);
    const char *other = entry_of(&ed25519, ID, "1800000000", "else");
    const char *v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const char *const fine[] = {
        apr_pstrcat(pool, v1, " ", entry, NULL),
        apr_pstrcat(pool, entry, " ", v1, NULL),
        apr_pstrcat(pool, other, " ", entry, NULL),
        apr_pstrcat(pool, entry, " ", other, NULL),
        apr_pstrcat(pool, " ", v1, "  ", entry, " ", NULL),
        apr_pstrcat(pool, "v2a,x V1A,x v1ab x,v1a ", entry, NULL),
    };
    const char *const none[] = {v1, "v1a", "V1A,AAAA", "x", "v1,", entry + 4};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(fine); i++) {
        request_t request = request_of(ID, "1800000000", fine[i]);

        assert_good(judge(&request, BODY), fine[i]);
    }
    for (i = 0; i < COUNT(none); i++) {
        request_t request = request_of(ID, "1800000000", none[i]);

        assert_refused(judge(&request, BODY), WHK_SIGNATURE_MISSING,
                       "webhook-signature has no v1a, which is needed here", none[i]);
    }
}

static void malformed_entries(void **state)
{
    const char *entry = entry_of(&ed25519, ID, "1800000000", BODY);
    const char *const bad[] = {
        "v1a,",
        "v1a,AAAA",
        apr_pstrndup(pool, entry, strlen(entry) - 1),
        apr_pstrndup(pool, entry, strlen(entry) - 2),
        apr_pstrcat(pool, entry, "=", NULL),
        apr_pstrcat(pool, entry, ",", entry, NULL),
        apr_pstrcat(pool, "v1a,", whk_base64url_encode(pool, (const unsigned char *)entry, 64),
                    NULL),
        "v1a,"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="
        "=",
        "v1a,-"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        "=",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bad); i++) {
        request_t request =
            request_of(ID, "1800000000", apr_pstrcat(pool, entry, " ", bad[i], NULL));

        assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS,
                       "v1a of webhook-signature must be the 64 bytes", bad[i]);
    }
}

static void how_many(void **state)
{
    const char *entry = entry_of(&ed25519, ID, "1800000000", BODY);
    const char *other = entry_of(&ed25519, ID, "1800000000", "else");
    const char *text = "";
    whk_signed_message_t *parsed;
    request_t request;
    int i;

    (void)state;
    for (i = 0; i < 15; i++)
        text = apr_pstrcat(pool, text, other, " v1,x ", NULL);
    request = request_of(ID, "1800000000", apr_pstrcat(pool, text, entry, NULL));
    assert_good(judge(&request, BODY), "16");
    assert_good(parse(&parsed, &request, BODY), "16");
    assert_int_equal(parsed->signature_count, 16);
    request = request_of(ID, "1800000000", apr_pstrcat(pool, text, other, " ", entry, NULL));
    assert_refused(judge(&request, BODY), WHK_MALFORMED_JWS,
                   "webhook-signature holds more than 16 signatures", "17");
}

static void other_keys(void **state)
{
    static const whk_algorithm_t algorithms[] = {WHK_ALG_ES256, WHK_ALG_RS256, WHK_ALG_ED448};
    request_t request = good_request();
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(algorithms); i++)
        assert_refused(
            judge_with(&request, BODY, make_signer(algorithms[i], NULL).jwk, EVERY_ALGORITHM),
            WHK_ALGORITHM_MISMATCH, "v1a of webhook-signature is Ed25519",
            row_of(algorithms[i])->name);
    assert_refused(judge_with(&request, BODY, ed25519.jwk, ~(unsigned)WHK_ALG_EDDSA),
                   WHK_ALGORITHM_MISMATCH, "v1a of webhook-signature is Ed25519", "turned off");
}

/* Any one character changed or left out, and any part of the end: never good. */
static void any_character(void **state)
{
    request_t request = good_request();
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; request.fields[i]; i += 2) {
        const char *value = request.fields[i + 1];

        for (j = 0; value[j]; j++) {
            request_t other = request;
            char *text = apr_pstrdup(pool, value);

            text[j] = text[j] == 'A' ? 'B' : 'A';
            other.fields[i + 1] = text;
            assert_non_null(judge(&other, BODY));
            other.fields[i + 1] =
                apr_pstrcat(pool, apr_pstrndup(pool, value, j), value + j + 1, NULL);
            assert_non_null(judge(&other, BODY));
            other.fields[i + 1] = apr_pstrndup(pool, value, j);
            assert_non_null(judge(&other, BODY));
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static int make_keys(void **state)
{
    int status = make_pool(state);

    ed25519 = make_signer(WHK_ALG_EDDSA, NULL);
    return status;
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good),          TEST(changed),           TEST(ids),        TEST(ids_of_other_schemes),
        TEST(named_key),     TEST(one_copy),          TEST(timestamps), TEST(headers),
        TEST(entries),       TEST(malformed_entries), TEST(how_many),   TEST(other_keys),
        TEST(any_character),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("standard_webhooks", tests, make_keys, destroy_pool);
    apr_terminate();
    return failed;
}
