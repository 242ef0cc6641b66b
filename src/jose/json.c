/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/json.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "model/log_number.h"

static apr_status_t free_json(void *value)
{
    json_decref(value);
    return APR_SUCCESS;
}

json_t *whk_json_adopt(apr_pool_t *pool, json_t *value)
{
    if (value)
        apr_pool_cleanup_register(pool, value, free_json, apr_pool_cleanup_null);
    return value;
}

const char *whk_json_text(apr_pool_t *pool, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = apr_pstrdup(pool, dumped);

    free(dumped);
    return text;
}

/* Jansson's own limit of depth is set at its build, and far higher; of number it has none, and an
 * empty object of two bytes takes about a kilobyte. @return what it must be, or NULL */
static const char *shape_flaw(const char *text, apr_size_t length)
{
    int depth = 0;
    int count = 0;
    int in_string = 0;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        if (text[i] == '"')
            in_string = !in_string;
        else if (in_string)
            i += text[i] == '\\';
        else if (text[i] == '{' || text[i] == '[')
            depth++, count++;
        else if (text[i] == '}' || text[i] == ']')
            depth--;
        if (depth > WHK_JSON_DEPTH_MAX)
            return "that is nested no deeper than " APR_STRINGIFY(WHK_JSON_DEPTH_MAX);
        if (count > WHK_JSON_COUNT_MAX)
            return "of at most " APR_STRINGIFY(WHK_JSON_COUNT_MAX) " objects and arrays";
    }
    return NULL;
}

/* Jansson's own words quote the text. Completes "it …". */
static const char *error_phrase(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return "is not UTF-8";
    case json_error_premature_end_of_input:
        return "ends too early";
    case json_error_end_of_input_expected:
        return "goes on after its value";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "holds a NUL character, which no text here may";
    case json_error_duplicate_key:
        return "repeats a member name";
    case json_error_numeric_overflow:
        return "has a number that is too large";
    default:
        return "breaks the syntax of JSON";
    }
}

static const whk_outcome_t *check_form(const char *text, apr_size_t length, const char *what,
                                       apr_pool_t *pool)
{
    const char *flaw;

    if (length == 0)
        return whk_refuse(pool, WHK_INVALID_JSON, "%s is empty, and must be JSON", what);
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return whk_refuse(pool, WHK_INVALID_JSON,
                          "%s must be JSON without a byte order mark before it", what);
    flaw = shape_flaw(text, length);
    return flaw ? whk_refuse(pool, WHK_INVALID_JSON, "%s must be JSON %s", what, flaw) : NULL;
}

static const whk_outcome_t *parse(json_t **value, const char *text, apr_size_t length, size_t flags,
                                  const char *what, apr_pool_t *pool)
{
    json_error_t error;
    json_t *parsed;

    WHK_TRY(check_form(text, length, what, pool));
    parsed = whk_json_adopt(pool, json_loadb(text, length, flags, &error));
    if (!parsed && json_error_code(&error) == json_error_out_of_memory)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0320) "out of memory while reading JSON");
    if (!parsed)
        return whk_refuse(pool, WHK_INVALID_JSON, "%s must be JSON: at line %d, column %d it %s",
                          what, error.line, error.column, error_phrase(&error));
    *value = parsed;
    return NULL;
}

const whk_outcome_t *whk_json_parse(json_t **value, const char *text, apr_size_t length,
                                    const char *what, apr_pool_t *pool)
{
    /* No number of ours is an integer that a double can't hold, and an integer too large for
     * jansson may stand in a member that nobody reads. */
    return parse(value, text, length,
                 JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, what, pool);
}

const whk_outcome_t *whk_json_parse_exact(json_t **value, const char *text, apr_size_t length,
                                          const char *what, apr_pool_t *pool)
{
    return parse(value, text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, what, pool);
}
