/* SPDX-License-Identifier: Apache-2.0 */
#include "http_signature/field_value.h"

#include <apr_strings.h>
#include <string.h>

#include "http_signature/structured_field.h"

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The length of an obsolete line folding here: a line break and white space. */
static apr_size_t fold_length(const char *c)
{
    if (c[0] != '\r' || c[1] != '\n' || !is_blank(c[2]))
        return 0;
    return 2 + strspn(c + 2, " \t");
}

static char *trim_end(char *text, char *end)
{
    while (end > text && is_blank(end[-1]))
        end--;
    return end;
}

/* A line break in a value could be taken for one of the signature base, and so sign a line that
 * never was a header of its own. */
static int copy_line(char *text, const char *c)
{
    char *out = text;

    for (c += strspn(c, " \t"); *c; c++) {
        apr_size_t fold = fold_length(c);

        if (fold) {
            out = trim_end(text, out);
            *out++ = ' ';
            c += fold - 1;
            continue;
        }
        if ((*c >= 0 && *c < ' ' && *c != '\t') || *c == 0x7F)
            return 0;
        *out++ = *c;
    }
    *trim_end(text, out) = '\0';
    return 1;
}

static const whk_outcome_t *check_length(const apr_array_header_t *values, const char *name,
                                         apr_pool_t *pool)
{
    apr_size_t length = 0;
    int i;

    for (i = 0; i < values->nelts; i++)
        length += strlen(APR_ARRAY_IDX(values, i, const char *));
    if (length <= WHK_FIELD_MAX)
        return NULL;
    return whk_refuse(pool, WHK_MALFORMED_JWS,
                      "the header %s is longer than the %d bytes that one may have in a signature",
                      name, WHK_FIELD_MAX);
}

static const whk_outcome_t *read_line(apr_array_header_t *lines, const char *value,
                                      const char *name, apr_pool_t *pool)
{
    char *line = apr_palloc(pool, strlen(value) + 1);

    if (!copy_line(line, value))
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "the header %s holds a line break or another control character", name);
    APR_ARRAY_PUSH(lines, const char *) = line;
    return NULL;
}

const whk_outcome_t *whk_field_lines(const apr_array_header_t **lines, const whk_message_t *message,
                                     const char *name, apr_pool_t *pool)
{
    const apr_array_header_t *values = message->field(message->baton, name, pool);
    apr_array_header_t *read = apr_array_make(pool, 1, sizeof(const char *));
    int i;

    if (values)
        WHK_TRY(check_length(values, name, pool));
    for (i = 0; values && i < values->nelts; i++)
        WHK_TRY(read_line(read, APR_ARRAY_IDX(values, i, const char *), name, pool));
    *lines = read;
    return NULL;
}

const whk_outcome_t *whk_field_combined(const char **value, const whk_message_t *message,
                                        const char *name, apr_pool_t *pool)
{
    const apr_array_header_t *lines;
    apr_array_header_t *pieces = apr_array_make(pool, 4, sizeof(const char *));
    int i;

    WHK_TRY(whk_field_lines(&lines, message, name, pool));
    for (i = 0; i < lines->nelts; i++) {
        if (i)
            APR_ARRAY_PUSH(pieces, const char *) = ", ";
        APR_ARRAY_PUSH(pieces, const char *) = APR_ARRAY_IDX(lines, i, const char *);
    }
    *value = lines->nelts ? apr_array_pstrcat(pool, pieces, 0) : NULL;
    return NULL;
}

const whk_outcome_t *whk_field_dictionary(const apr_array_header_t **members,
                                          const whk_message_t *message, const char *name,
                                          apr_pool_t *pool)
{
    const char *value;
    apr_size_t wrong;

    *members = NULL;
    WHK_TRY(whk_field_combined(&value, message, name, pool));
    if (!value)
        return NULL;
    wrong = whk_sf_parse_dictionary(members, value, pool);
    if (wrong)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "the header %s must be a dictionary (RFC 8941), with no key twice and "
                          "base64 with its padding: it is wrong at character %" APR_SIZE_T_FMT,
                          name, wrong);
    return NULL;
}

const whk_outcome_t *whk_field_only(const char **value, const whk_message_t *message,
                                    const char *name, apr_pool_t *pool)
{
    const apr_array_header_t *lines;

    WHK_TRY(whk_field_lines(&lines, message, name, pool));
    if (lines->nelts > 1)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "there must be one header %s, not several",
                          name);
    if (!lines->nelts)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                          "the header %s is missing, and with it the signature", name);
    *value = APR_ARRAY_IDX(lines, 0, const char *);
    return NULL;
}
