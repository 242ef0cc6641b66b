/* SPDX-License-Identifier: Apache-2.0 */
#include "http_signature/structured_field.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/base64.h"

#define INTEGER_DIGITS 15
#define DECIMAL_DIGITS 12
#define FRACTION_DIGITS 3

/* All that reads returns 1, or 0 with `at` where it went wrong. */
typedef struct {
    const char *at;
    int room; /* for so many more values */
    const apr_array_header_t *no_parameters;
    apr_pool_t *pool;
} reader_t;

static int read_parameters(reader_t *reader, whk_sf_item_t *item);

static int skip(reader_t *reader, char c)
{
    if (*reader->at != c)
        return 0;
    reader->at++;
    return 1;
}

static void skip_all(reader_t *reader, const char *set)
{
    reader->at += strspn(reader->at, set);
}

static int is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_alpha(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static int is_key_char(char c)
{
    return is_lower(c) || is_digit(c) || (c && strchr("_-.*", c));
}

static int is_token_char(char c)
{
    return is_alpha(c) || is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~:/", c));
}

static int read_key(reader_t *reader, const char **key)
{
    const char *start = reader->at;

    if (!is_lower(*start) && *start != '*')
        return 0;
    while (is_key_char(*reader->at))
        reader->at++;
    *key = apr_pstrmemdup(reader->pool, start, (apr_size_t)(reader->at - start));
    return 1;
}

/* @return how many digits there were; `number` goes on from what it was */
static int read_digits(reader_t *reader, apr_int64_t *number, int max)
{
    int count = 0;

    while (is_digit(*reader->at) && count < max) {
        *number = *number * 10 + (*reader->at++ - '0');
        count++;
    }
    return count;
}

static int read_fraction(reader_t *reader, whk_sf_item_t *item, int whole_digits)
{
    int count;

    if (whole_digits > DECIMAL_DIGITS)
        return 0;
    reader->at++;
    item->type = WHK_SF_DECIMAL;
    count = read_digits(reader, &item->number, FRACTION_DIGITS);
    if (!count)
        return 0;
    for (; count < FRACTION_DIGITS; count++)
        item->number *= 10;
    return 1;
}

static int read_number(reader_t *reader, whk_sf_item_t *item)
{
    int is_negative = skip(reader, '-');
    int count = read_digits(reader, &item->number, INTEGER_DIGITS);

    item->type = WHK_SF_INTEGER;
    if (!count || (*reader->at == '.' && !read_fraction(reader, item, count)) ||
        is_digit(*reader->at))
        return 0;
    if (is_negative)
        item->number = -item->number;
    return 1;
}

/* How long a string is with its escapes, up to its closing quote. -1: it has none, or another
 * character than it may have. */
static apr_ssize_t string_length(const char *text)
{
    const char *c;

    for (c = text; *c != '"'; c++) {
        if (*c == '\\' && c[1] != '"' && c[1] != '\\')
            return -1;
        if (*c == '\\')
            c++;
        if (*c < ' ' || *c > '~')
            return -1;
    }
    return c - text;
}

static int read_string(reader_t *reader, whk_sf_item_t *item)
{
    apr_ssize_t length = string_length(reader->at + 1);
    const char *c = reader->at + 1;
    char *out;

    if (length < 0)
        return 0;
    reader->at += length + 2;
    out = apr_palloc(reader->pool, (apr_size_t)length + 1);
    item->type = WHK_SF_STRING;
    item->text = out;
    for (; c < reader->at - 1; c++)
        *out++ = *c == '\\' ? *++c : *c;
    *out = '\0';
    return 1;
}

static int read_token(reader_t *reader, whk_sf_item_t *item)
{
    const char *start = reader->at;

    item->type = WHK_SF_TOKEN;
    while (is_token_char(*reader->at))
        reader->at++;
    item->text = apr_pstrmemdup(reader->pool, start, (apr_size_t)(reader->at - start));
    return 1;
}

static int read_bytes(reader_t *reader, whk_sf_item_t *item)
{
    const char *end = strchr(reader->at + 1, ':');
    unsigned char *bytes;

    item->type = WHK_SF_BYTES;
    if (!end || !whk_base64_decode(reader->pool, reader->at + 1, (apr_size_t)(end - reader->at - 1),
                                   &bytes, &item->length))
        return 0;
    item->bytes = bytes;
    reader->at = end + 1;
    return 1;
}

static int read_boolean(reader_t *reader, whk_sf_item_t *item)
{
    reader->at++;
    item->type = WHK_SF_BOOLEAN;
    item->number = *reader->at == '1';
    return skip(reader, '0') || skip(reader, '1');
}

static int read_bare(reader_t *reader, whk_sf_item_t *item)
{
    char c = *reader->at;

    if (c == '-' || is_digit(c))
        return read_number(reader, item);
    if (c == '"')
        return read_string(reader, item);
    if (c == ':')
        return read_bytes(reader, item);
    if (c == '?')
        return read_boolean(reader, item);
    return (is_alpha(c) || c == '*') && read_token(reader, item);
}

static int take_room(reader_t *reader)
{
    return reader->room-- > 0;
}

static int read_item(reader_t *reader, whk_sf_item_t *item)
{
    return read_bare(reader, item) && read_parameters(reader, item);
}

static void make_true(whk_sf_item_t *item)
{
    item->type = WHK_SF_BOOLEAN;
    item->number = 1;
}

/* Room for a pair whose key is read here. NULL: none, or one that was there before. */
static whk_sf_pair_t *add_pair(reader_t *reader, apr_array_header_t *pairs)
{
    const char *start = reader->at;
    whk_sf_pair_t *pair;
    const char *key;

    if (pairs->nelts == WHK_SF_COUNT_MAX || !take_room(reader) || !read_key(reader, &key))
        return NULL;
    if (whk_sf_find(pairs, key)) {
        reader->at = start;
        return NULL;
    }
    pair = apr_array_push(pairs);
    pair->key = key;
    return pair;
}

static int read_parameters(reader_t *reader, whk_sf_item_t *item)
{
    apr_array_header_t *pairs;

    item->parameters = reader->no_parameters;
    if (*reader->at != ';')
        return 1;
    pairs = apr_array_make(reader->pool, 2, sizeof(whk_sf_pair_t));
    item->parameters = pairs;
    while (skip(reader, ';')) {
        whk_sf_pair_t *pair;

        skip_all(reader, " ");
        pair = add_pair(reader, pairs);
        if (!pair)
            return 0;
        pair->value.parameters = reader->no_parameters;
        if (!skip(reader, '='))
            make_true(&pair->value);
        else if (!read_bare(reader, &pair->value))
            return 0;
    }
    return 1;
}

static int read_inner_list(reader_t *reader, whk_sf_item_t *list)
{
    apr_array_header_t *members = apr_array_make(reader->pool, 8, sizeof(whk_sf_item_t));

    list->type = WHK_SF_INNER_LIST;
    list->members = members;
    reader->at++;
    for (skip_all(reader, " "); !skip(reader, ')'); skip_all(reader, " ")) {
        if (members->nelts == WHK_SF_COUNT_MAX || !take_room(reader) ||
            !read_item(reader, apr_array_push(members)) ||
            (*reader->at != ' ' && *reader->at != ')'))
            return 0;
    }
    return read_parameters(reader, list);
}

static int read_member(reader_t *reader, apr_array_header_t *pairs)
{
    whk_sf_pair_t *pair = add_pair(reader, pairs);

    if (!pair)
        return 0;
    if (!skip(reader, '=')) {
        make_true(&pair->value);
        return read_parameters(reader, &pair->value);
    }
    if (*reader->at == '(')
        return read_inner_list(reader, &pair->value);
    return read_item(reader, &pair->value);
}

static int read_members(reader_t *reader, apr_array_header_t *pairs)
{
    skip_all(reader, " ");
    if (!*reader->at)
        return 1;
    while (read_member(reader, pairs)) {
        skip_all(reader, " \t");
        if (!*reader->at)
            return 1;
        if (!skip(reader, ','))
            return 0;
        skip_all(reader, " \t");
    }
    return 0;
}

apr_size_t whk_sf_parse_dictionary(const apr_array_header_t **members, const char *text,
                                   apr_pool_t *pool)
{
    apr_array_header_t *pairs = apr_array_make(pool, 2, sizeof(whk_sf_pair_t));
    reader_t reader = {text, WHK_SF_VALUES_MAX, apr_array_make(pool, 0, sizeof(whk_sf_pair_t)),
                       pool};

    if (!read_members(&reader, pairs))
        return (apr_size_t)(reader.at - text) + 1;
    *members = pairs;
    return 0;
}

const whk_sf_item_t *whk_sf_find(const apr_array_header_t *pairs, const char *key)
{
    int i;

    for (i = 0; i < pairs->nelts; i++) {
        const whk_sf_pair_t *pair = &APR_ARRAY_IDX(pairs, i, whk_sf_pair_t);

        if (strcmp(pair->key, key) == 0)
            return &pair->value;
    }
    return NULL;
}
