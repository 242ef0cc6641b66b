/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-Signature: what it says is one member of a dictionary (RFC 9421, section 5.1; RFC 8941),
 * which lists each component once. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "http_signature/structured_field.h"
#include "scheme/accept_signature.h"

static apr_pool_t *pool;

/* Words between spaces; NULL: none are required. */
static const char *told(const char *required, const char *tag, int has_body)
{
    apr_array_header_t *names = required ? apr_array_make(pool, 4, sizeof(const char *)) : NULL;
    char *state;
    char *word = required ? apr_strtok(apr_pstrdup(pool, required), " ", &state) : NULL;

    for (; word; word = apr_strtok(NULL, " ", &state))
        APR_ARRAY_PUSH(names, const char *) = word;
    return whk_accept_signature(names, tag, has_body, pool);
}

static void values(void **state)
{
    static const struct {
        const char *required, *tag;
        int has_body;
        const char *value;
    } rows[] = {
        {NULL, NULL, 0, "(\"@method\" \"@path\" \"@query\" \"content-digest\");created"},
        {NULL, NULL, 1, "(\"@method\" \"@path\" \"@query\" \"content-digest\");created"},
        {"@method", NULL, 0, "(\"@method\");created"},
        {"@method", NULL, 1, "(\"@method\" \"content-digest\");created"},
        {"content-digest @method", NULL, 1, "(\"content-digest\" \"@method\");created"},
        {"date date @method date", NULL, 0, "(\"date\" \"@method\");created"},
        {"@method", "app", 0, "(\"@method\");created;tag=\"app\""},
        {"@method", "a \"b\" \\c", 0, "(\"@method\");created;tag=\"a \\\"b\\\" \\\\c\""},
        {"@method", "\xc3\xa4", 0, NULL},
        {"@method", "a\tb", 0, NULL},
        {"@method", "a\x7f", 0, NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *value = told(rows[i].required, rows[i].tag, rows[i].has_body);

        if (!rows[i].value) {
            assert_null(value);
            continue;
        }
        assert_non_null(value);
        assert_string_equal(value, apr_pstrcat(pool, "sig1=", rows[i].value, NULL));
    }
}

/* As whoever reads it does. */
static void is_read_back(void **state)
{
    const apr_array_header_t *members;
    const whk_sf_item_t *list;
    const whk_sf_item_t *tag;

    (void)state;
    assert_int_equal(
        whk_sf_parse_dictionary(&members, told("@authority x-event", "a \"b\" \\c", 1), pool), 0);
    assert_int_equal(members->nelts, 1);
    list = whk_sf_find(members, "sig1");
    assert_int_equal(list->type, WHK_SF_INNER_LIST);
    assert_int_equal(list->members->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(list->members, 1, whk_sf_item_t).text, "x-event");
    assert_int_equal(list->parameters->nelts, 2);
    assert_int_equal(whk_sf_find(list->parameters, "created")->type, WHK_SF_BOOLEAN);
    tag = whk_sf_find(list->parameters, "tag");
    assert_int_equal(tag->type, WHK_SF_STRING);
    assert_string_equal(tag->text, "a \"b\" \\c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(is_read_back),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("accept_signature", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
