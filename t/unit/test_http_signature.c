/* HTTP message signatures (RFC 9421) and standard webhooks, as parsed and verified: the worked
 * example of appendix B.2.6 and what must not pass for it. */

#include "signing_fixture.h"

#include "jose/signed_message.h"
#include "jose/structured_field.h"

#define KEY "{'kty':'OKP','crv':'Ed25519','x':'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs'}"
#define DIGEST                                                                                     \
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJ" \
    "wew==:"
#define LIST "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")"
#define PARAMETERS ";created=1618884473;keyid=\"test-key-ed25519\""
#define SIGNATURE                                                                                  \
    "sig-b26=:"                                                                                    \
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw"       \
    "==:"

typedef struct {
    const char *name;
    const char *value; /* NULL: not there */
} field_t;

enum {
    INPUT,
    SIGNED,
    DATE,
    TYPE,
    LENGTH,
    CONTENT_DIGEST,
    FIELDS
};

static field_t fields[FIELDS];
static whk_message_t message;

static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *to)
{
    apr_array_header_t *values = apr_array_make(to, 1, sizeof(const char *));
    int i;

    (void)baton;
    for (i = 0; i < FIELDS; i++)
        if (fields[i].value && !strcasecmp(fields[i].name, name))
            APR_ARRAY_PUSH(values, const char *) = fields[i].value;
    return values;
}

/* Appendix B.2's test-request. */
static void reset(void)
{
    fields[INPUT] = (field_t){"Signature-Input", "sig-b26=" LIST PARAMETERS};
    fields[SIGNED] = (field_t){"Signature", SIGNATURE};
    fields[DATE] = (field_t){"Date", "Tue, 20 Apr 2021 02:07:55 GMT"};
    fields[TYPE] = (field_t){"Content-Type", "application/json"};
    fields[LENGTH] = (field_t){"Content-Length", "18"};
    fields[CONTENT_DIGEST] = (field_t){"Content-Digest", DIGEST};
    message = (whk_message_t){"POST",
                              "https",
                              "example.com",
                              "/foo?param=Value&Pet=dog",
                              field,
                              NULL,
                              "{\"hello\": \"world\"}",
                              18};
}

static const whk_outcome_t *judge(whk_signed_message_t **parsed)
{
    apr_array_header_t *required = apr_array_make(pool, 1, sizeof(const char *));
    const whk_scheme_policy_t policy = {NULL, NULL, required};
    const char *algorithm;

    WHK_TRY(whk_scheme_http_signature.parse(parsed, &message, &policy, pool));
    return whk_signed_message_verify(*parsed, good_jwk(read_json(KEY)), ~0u, &algorithm, pool);
}

static void assert_stopped(whk_code_t code, const char *title)
{
    whk_signed_message_t *parsed;
    const whk_outcome_t *outcome = judge(&parsed);

    if (!outcome || outcome->code != code)
        fail_msg("%s: %s", title, outcome ? whk_code_name(outcome->code) : "passed");
    reset();
}

static void appendix_b_2_6(void **state)
{
    whk_signed_message_t *parsed;
    const whk_outcome_t *outcome;

    (void)state;
    reset();
    outcome = judge(&parsed);
    if (outcome)
        fail_msg("%s", outcome->message);
    assert_string_equal(parsed->kid, "test-key-ed25519");
    assert_int_equal(parsed->signed_at, apr_time_from_sec(1618884473));
    assert_int_equal(parsed->expires, 0);
    assert_non_null(parsed->replay_id);
}

static void changed(void **state)
{
    (void)state;
    reset();
    message.method = "PUT";
    assert_stopped(WHK_BAD_SIGNATURE, "method");
    message.target = "/bar?param=Value&Pet=dog";
    assert_stopped(WHK_BAD_SIGNATURE, "path");
    message.authority = "example.org";
    assert_stopped(WHK_BAD_SIGNATURE, "authority");
    fields[TYPE].value = "text/plain";
    assert_stopped(WHK_BAD_SIGNATURE, "type");
    fields[DATE].value = NULL;
    assert_stopped(WHK_MALFORMED_JWS, "no date");
    fields[INPUT].value = "sig-b26=" LIST ";created=1618884474;keyid=\"test-key-ed25519\"";
    assert_stopped(WHK_BAD_SIGNATURE, "created");
    fields[INPUT].value = "sig-b26=" LIST PARAMETERS ";expires=1";
    assert_stopped(WHK_BAD_SIGNATURE, "a parameter more");
}

static void malformed(void **state)
{
    static const char *const inputs[] = {
        "",
        "sig-b26",
        "sig-b26=",
        "sig-b26=1",
        "sig-b26=(",
        "sig-b26=(\"date\"",
        "sig-b26=(\"date\" \"date\")" PARAMETERS,
        "sig-b26=(\"Date\")" PARAMETERS,
        "sig-b26=(\"date\"\"@method\")" PARAMETERS,
        "sig-b26=(\"@status\")" PARAMETERS,
        "sig-b26=(\"@signature-params\")" PARAMETERS,
        "sig-b26=(\"date\";req)" PARAMETERS,
        "sig-b26=(\"date\";sf)" PARAMETERS,
        "sig-b26=(\"@method\";x)" PARAMETERS,
        "sig-b26=(\"@query-param\")" PARAMETERS,
        "sig-b26=(\"@query-param\";name=\"none\")" PARAMETERS,
        "sig-b26=(date)" PARAMETERS,
        "sig-b26=(\"\")" PARAMETERS,
        "sig-b26=(\"date\");created=\"1618884473\"",
        "sig-b26=(\"date\");created=1618884473.5",
        "sig-b26=(\"date\");created=0",
        "sig-b26=(\"date\");created=9999999999999999",
        "sig-b26=(\"date\");keyid=a",
        "sig-b26=(\"date\");keyid=\"\"",
        "sig-b26=(\"date\");created=1;created=1",
        "other=" LIST PARAMETERS,
        "sig-b26=" LIST PARAMETERS ", two=" LIST PARAMETERS,
        "sig-b26=" LIST PARAMETERS ", sig-b26=" LIST PARAMETERS,
        "sig-b26=" LIST PARAMETERS ",",
        "sig-b26=" LIST PARAMETERS " x",
    };
    static const char *const signatures[] = {
        "sig-b26=:AAAA",  "sig-b26=::",       "sig-b26=:A===:",
        "sig-b26=AAAA",   "sig-b26=\"AAAA\"", "sig-b26=:AB==:",
        "sig-b26=:A A=:", "other=:AAAA:",     SIGNATURE ", b=:AAAA:",
    };
    size_t i;

    (void)state;
    reset();
    for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        fields[INPUT].value = inputs[i];
        assert_stopped(WHK_MALFORMED_JWS, inputs[i]);
    }
    for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        fields[SIGNED].value = signatures[i];
        assert_stopped(WHK_MALFORMED_JWS, signatures[i]);
    }
    fields[SIGNED].value = NULL;
    assert_stopped(WHK_SIGNATURE_MISSING, "no Signature");
    fields[INPUT].value = NULL;
    assert_stopped(WHK_SIGNATURE_MISSING, "no Signature-Input");
}

static void algorithms(void **state)
{
    static const char *const others[] = {"hmac-sha256", "rsa-pss-sha512", "ecdsa-p256-sha256",
                                         "none", "EdDSA"};
    size_t i;

    (void)state;
    reset();
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        fields[INPUT].value =
            apr_psprintf(pool, "sig-b26=" LIST PARAMETERS ";alg=\"%s\"", others[i]);
        assert_stopped(WHK_ALGORITHM_MISMATCH, others[i]);
    }
}

static void covered(void **state)
{
    const whk_scheme_policy_t policy = {NULL, NULL, NULL};
    whk_signed_message_t *parsed;
    const whk_outcome_t *outcome;

    (void)state;
    reset();
    outcome = whk_scheme_http_signature.parse(&parsed, &message, &policy, pool);
    assert_non_null(outcome);
    assert_int_equal(outcome->code, WHK_MALFORMED_JWS);
    assert_non_null(strstr(outcome->message, "@query"));
}

static void dictionaries(void **state)
{
    apr_array_header_t *members =
        whk_sf_dictionary("a=(\"x\" \"y\";p);q=1, b=?0 ,\tc;d=\"\\\"\\\\\", *e=:YQ==:", pool);

    (void)state;
    assert_non_null(members);
    assert_int_equal(members->nelts, 4);
    assert_string_equal(whk_sf_list_text(&APR_ARRAY_IDX(members, 0, whk_sf_member_t), pool),
                        "(\"x\" \"y\";p);q=1");
    assert_null(whk_sf_dictionary("a=1, a=2", pool));
    assert_null(whk_sf_dictionary("A=1", pool));
    assert_null(whk_sf_dictionary("a=\"\xC3\xBC\"", pool));
    assert_null(whk_sf_dictionary("a=\"x", pool));
    assert_null(whk_sf_dictionary("a=1;", pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appendix_b_2_6), cmocka_unit_test(changed), cmocka_unit_test(malformed),
        cmocka_unit_test(algorithms),     cmocka_unit_test(covered), cmocka_unit_test(dictionaries),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("http_signature", tests, make_pool, destroy_pool);
    apr_terminate();
    return failed;
}
