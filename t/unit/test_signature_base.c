/* SPDX-License-Identifier: Apache-2.0 */
/* What a list of components may cost, whatever it lists; and what a response has of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "http_signature/signature_base.h"

static apr_pool_t *pool;

/* A message with one field of many names. */
typedef struct {
    const char *value;
    int asked; /* how often */
} field_t;

static const apr_array_header_t *only_field(void *baton, const char *name, apr_pool_t *scratch)
{
    field_t *field = baton;
    apr_array_header_t *values = apr_array_make(scratch, 1, sizeof(const char *));

    (void)name;
    field->asked++;
    APR_ARRAY_PUSH(values, const char *) = field->value;
    return values;
}

/* Elements of a list, each with its number in it. */
static const char *list_of(const char *before, const char *after, int count, const char *separator)
{
    apr_array_header_t *pieces = apr_array_make(pool, count, sizeof(const char *));
    int i;

    for (i = 0; i < count; i++)
        APR_ARRAY_PUSH(pieces, const char *) =
            apr_pstrcat(pool, i ? separator : "", before, apr_itoa(pool, i), after, NULL);
    return apr_array_pstrcat(pool, pieces, 0);
}

static const char *text_of(char c, apr_size_t length)
{
    char *text = apr_palloc(pool, length + 1);

    memset(text, c, length);
    text[length] = '\0';
    return text;
}

/* NULL where it was made. */
static const char *base_of_message(const char **base, const char *components,
                                   const whk_message_t *message)
{
    const apr_array_header_t *members;
    const whk_outcome_t *outcome;

    assert_int_equal(
        whk_sf_parse_dictionary(&members, apr_pstrcat(pool, "a=(", components, ")", NULL), pool),
        0);
    outcome =
        whk_signature_base(base, message, &APR_ARRAY_IDX(members, 0, whk_sf_pair_t).value, pool);
    return outcome ? outcome->message : NULL;
}

static const char *base_of(const char **base, const char *components, field_t *field,
                           const char *target)
{
    const whk_message_t message = {.method = "POST",
                                   .scheme = "https",
                                   .authority = "hooks.example",
                                   .target = target,
                                   .field = only_field,
                                   .baton = field,
                                   .body = ""};

    return base_of_message(base, components, &message);
}

static void knows_a_response(void **state)
{
    field_t field = {"application/json", 0};
    const whk_message_t response = {
        .status = 200, .field = only_field, .baton = &field, .body = ""};
    const char *base;

    (void)state;
    assert_null(base_of_message(&base, "\"@status\" \"content-type\"", &response));
    assert_string_equal(base, "\"@status\": 200\n\"content-type\": application/json\n"
                              "\"@signature-params\": (\"@status\" \"content-type\")");
    assert_non_null(strstr(base_of_message(&base, "\"@method\"", &response), "@status"));
    assert_non_null(strstr(base_of(&base, "\"@status\"", &field, "/"), "none of a request"));
}

static void reads_a_dictionary_once(void **state)
{
    field_t field = {list_of("k", "=\"v\"", 64, ", "), 0};
    const char *base;

    (void)state;
    assert_null(base_of(&base, list_of("\"x\";key=\"k", "\"", 64, " "), &field, "/"));
    assert_non_null(strstr(base, "\"x\";key=\"k63\": \"v\"\n"));
    assert_int_equal(field.asked, 1);
}

static void reads_other_dictionaries_too(void **state)
{
    field_t field = {"k=1", 0};
    const char *base;

    (void)state;
    assert_null(base_of(&base, list_of("\"x", "\";key=\"k\"", 3, " "), &field, "/"));
    assert_int_equal(field.asked, 3);
}

static void finds_every_parameter(void **state)
{
    field_t field = {"", 0};
    const char *target = apr_pstrcat(pool, "/?", list_of("p", "=v", 64, "&"), NULL);
    const char *base;

    (void)state;
    assert_null(
        base_of(&base, list_of("\"@query-param\";name=\"p", "\"", 64, " "), &field, target));
    assert_non_null(strstr(base, "\"@query-param\";name=\"p0\": v\n"));
    assert_non_null(strstr(base, "\"@query-param\";name=\"p63\": v\n"));
}

static void covers_so_much(void **state)
{
    field_t half = {text_of('x', WHK_SIGNATURE_BASE_MAX / 4), 0};
    field_t more = {text_of('x', WHK_SIGNATURE_BASE_MAX / 4 + 1), 0};
    const char *four = list_of("\"x", "\"", 4, " ");
    const char *base;

    (void)state;
    assert_null(base_of(&base, four, &half, "/"));
    assert_string_equal(base_of(&base, four, &more, "/"),
                        "the component x3 of Signature-Input makes what is covered longer than the "
                        "65536 bytes that may be: cover less");
}

static void has_so_many_values(void **state)
{
    /* With two members, 63 items of seven values each and 64 of one are 507. */
    const char *text = apr_pstrcat(pool, "a=(", list_of("", ";a;b;c;d;e;f", 63, " "), "), b=(",
                                   list_of("", "", 64, " "), "), c, d, e, f", NULL);
    const apr_array_header_t *members;

    (void)state;
    text = apr_pstrcat(pool, text, ";g", NULL);
    assert_int_equal(whk_sf_parse_dictionary(&members, text, pool), 0);
    assert_int_not_equal(
        whk_sf_parse_dictionary(&members, apr_pstrcat(pool, text, ", h", NULL), pool), 0);
    assert_int_not_equal(
        whk_sf_parse_dictionary(&members, apr_pstrcat(pool, text, ";h", NULL), pool), 0);
    assert_int_not_equal(
        whk_sf_parse_dictionary(&members, apr_pstrcat(pool, text, ", h=(1)", NULL), pool), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_response),
        cmocka_unit_test(reads_a_dictionary_once),
        cmocka_unit_test(reads_other_dictionaries_too),
        cmocka_unit_test(finds_every_parameter),
        cmocka_unit_test(covers_so_much),
        cmocka_unit_test(has_so_many_values),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("signature base", tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
