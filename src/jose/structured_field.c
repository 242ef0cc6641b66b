#include "jose/structured_field.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/evp.h>

/* Beyond these nobody means it well. */
#define MEMBERS_MOST 32
#define ITEMS_MOST 64

typedef struct {
    const char *at; /* ends with a NUL, which no rule accepts */
    apr_pool_t *pool;
} cursor_t;

static int skip(cursor_t *cursor, char c)
{
    if (*cursor->at != c)
        return 0;
    cursor->at++;
    return 1;
}

static void skip_spaces(cursor_t *cursor)
{
    while (*cursor->at == ' ')
        cursor->at++;
}

static void skip_white(cursor_t *cursor)
{
    while (*cursor->at == ' ' || *cursor->at == '\t')
        cursor->at++;
}

static int is_key_start(char c)
{
    return (c >= 'a' && c <= 'z') || c == '*';
}

static const char *read_key(cursor_t *cursor)
{
    const char *start = cursor->at;

    if (!is_key_start(*cursor->at))
        return NULL;
    while (is_key_start(*cursor->at) || apr_isdigit(*cursor->at) ||
           (*cursor->at && strchr("_-.", *cursor->at)))
        cursor->at++;
    return apr_pstrmemdup(cursor->pool, start, (apr_size_t)(cursor->at - start));
}

static int read_integer(cursor_t *cursor, whk_sf_value_t *value)
{
    const char *start = cursor->at;
    int digits;

    skip(cursor, '-');
    for (digits = 0; apr_isdigit(*cursor->at); digits++)
        cursor->at++;
    if (digits < 1 || digits > 15 || *cursor->at == '.')
        return 0;
    value->type = WHK_SF_INTEGER;
    value->number = apr_atoi64(start);
    return 1;
}

static int read_string(cursor_t *cursor, whk_sf_value_t *value)
{
    char *out = apr_palloc(cursor->pool, strlen(cursor->at) + 1);

    value->type = WHK_SF_STRING;
    value->text = out;
    for (cursor->at++; *cursor->at != '"'; cursor->at++) {
        if (*cursor->at == '\\') {
            cursor->at++;
            if (*cursor->at != '"' && *cursor->at != '\\')
                return 0;
        }
        if (*cursor->at < ' ' || *cursor->at > '~')
            return 0;
        *out++ = *cursor->at;
    }
    cursor->at++;
    *out = '\0';
    value->length = (apr_size_t)(out - value->text);
    return 1;
}

static int read_token(cursor_t *cursor, whk_sf_value_t *value)
{
    const char *start = cursor->at;

    while (apr_isalnum(*cursor->at) || (*cursor->at && strchr("!#$%&'*+-.^_`|~:/", *cursor->at)))
        cursor->at++;
    value->type = WHK_SF_TOKEN;
    value->length = (apr_size_t)(cursor->at - start);
    value->text = apr_pstrmemdup(cursor->pool, start, value->length);
    return 1;
}

int whk_sf_base64(const char *text, apr_size_t length, whk_sf_value_t *bytes, apr_pool_t *pool)
{
    unsigned char *decoded = apr_palloc(pool, length / 4 * 3 + 1);
    char *again = apr_palloc(pool, length + 1);
    int size;

    if (length % 4 || length > 1 << 20)
        return 0;
    size = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)length);
    if (size < 0)
        return 0;
    if (length && text[length - 1] == '=')
        size--;
    if (length && text[length - 2] == '=')
        size--;
    /* OpenSSL overlooks white space and unused bits. */
    EVP_EncodeBlock((unsigned char *)again, decoded, size);
    if (memcmp(again, text, length) != 0)
        return 0;
    bytes->type = WHK_SF_BYTES;
    bytes->text = (const char *)decoded;
    bytes->length = (apr_size_t)size;
    return 1;
}

static int read_bytes(cursor_t *cursor, whk_sf_value_t *value)
{
    const char *start = ++cursor->at;
    const char *end = strchr(start, ':');

    if (!end || !whk_sf_base64(start, (apr_size_t)(end - start), value, cursor->pool))
        return 0;
    cursor->at = end + 1;
    return 1;
}

static int read_boolean(cursor_t *cursor, whk_sf_value_t *value)
{
    cursor->at++;
    value->type = WHK_SF_BOOLEAN;
    value->number = *cursor->at == '1';
    return skip(cursor, '0') || skip(cursor, '1');
}

static int read_value(cursor_t *cursor, whk_sf_value_t *value)
{
    memset(value, 0, sizeof(*value));
    switch (*cursor->at) {
    case '"':
        return read_string(cursor, value);
    case ':':
        return read_bytes(cursor, value);
    case '?':
        return read_boolean(cursor, value);
    case '*':
        return read_token(cursor, value);
    default:
        if (apr_isalpha(*cursor->at))
            return read_token(cursor, value);
        return read_integer(cursor, value);
    }
}

const whk_sf_value_t *whk_sf_parameter(const apr_array_header_t *parameters, const char *name)
{
    int i;

    for (i = 0; i < parameters->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(parameters, i, whk_sf_parameter_t).name, name))
            return &APR_ARRAY_IDX(parameters, i, whk_sf_parameter_t).value;
    return NULL;
}

static int read_parameters(cursor_t *cursor, apr_array_header_t **parameters)
{
    *parameters = apr_array_make(cursor->pool, 2, sizeof(whk_sf_parameter_t));
    while (skip(cursor, ';')) {
        whk_sf_parameter_t parameter = {NULL, {WHK_SF_BOOLEAN, 1, NULL, 0}};

        skip_spaces(cursor);
        parameter.name = read_key(cursor);
        if (!parameter.name || whk_sf_parameter(*parameters, parameter.name) ||
            (*parameters)->nelts >= ITEMS_MOST)
            return 0;
        if (skip(cursor, '=') && !read_value(cursor, &parameter.value))
            return 0;
        APR_ARRAY_PUSH(*parameters, whk_sf_parameter_t) = parameter;
    }
    return 1;
}

static int read_list(cursor_t *cursor, whk_sf_member_t *member)
{
    member->list = apr_array_make(cursor->pool, 4, sizeof(whk_sf_item_t));
    cursor->at++;
    for (;;) {
        whk_sf_item_t item;

        skip_spaces(cursor);
        if (skip(cursor, ')'))
            return read_parameters(cursor, &member->parameters);
        if (member->list->nelts >= ITEMS_MOST || !read_value(cursor, &item.value) ||
            !read_parameters(cursor, &item.parameters) ||
            (*cursor->at != ' ' && *cursor->at != ')'))
            return 0;
        APR_ARRAY_PUSH(member->list, whk_sf_item_t) = item;
    }
}

static int has_member(const apr_array_header_t *members, const char *name)
{
    int i;

    for (i = 0; i < members->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(members, i, whk_sf_member_t).name, name))
            return 1;
    return 0;
}

static int read_member(cursor_t *cursor, apr_array_header_t *members)
{
    whk_sf_member_t member;

    memset(&member, 0, sizeof(member));
    member.name = read_key(cursor);
    if (!member.name || has_member(members, member.name) || members->nelts >= MEMBERS_MOST)
        return 0;
    member.value.type = WHK_SF_BOOLEAN;
    member.value.number = 1;
    if (!skip(cursor, '=')) {
        if (!read_parameters(cursor, &member.parameters))
            return 0;
    } else if (*cursor->at == '(') {
        if (!read_list(cursor, &member))
            return 0;
    } else if (!read_value(cursor, &member.value) || !read_parameters(cursor, &member.parameters)) {
        return 0;
    }
    APR_ARRAY_PUSH(members, whk_sf_member_t) = member;
    return 1;
}

apr_array_header_t *whk_sf_dictionary(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *members = apr_array_make(pool, 2, sizeof(whk_sf_member_t));
    cursor_t cursor = {text, pool};

    skip_spaces(&cursor);
    for (;;) {
        if (!read_member(&cursor, members))
            return NULL;
        skip_white(&cursor);
        if (!*cursor.at)
            return members;
        if (!skip(&cursor, ','))
            return NULL;
        skip_white(&cursor);
    }
}

static const char *string_text(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(text) + 3);
    char *out = quoted;

    *out++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
        *out++ = *text;
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

static const char *bytes_text(const whk_sf_value_t *value, apr_pool_t *pool)
{
    char *encoded = apr_palloc(pool, (value->length + 2) / 3 * 4 + 1);

    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)value->text,
                    (int)value->length);
    return apr_pstrcat(pool, ":", encoded, ":", NULL);
}

static const char *value_text(const whk_sf_value_t *value, apr_pool_t *pool)
{
    switch (value->type) {
    case WHK_SF_INTEGER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, value->number);
    case WHK_SF_STRING:
        return string_text(value->text, pool);
    case WHK_SF_BYTES:
        return bytes_text(value, pool);
    case WHK_SF_BOOLEAN:
        return value->number ? "?1" : "?0";
    default:
        return value->text;
    }
}

static const char *parameters_text(const apr_array_header_t *parameters, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 8, sizeof(const char *));
    int i;

    for (i = 0; i < parameters->nelts; i++) {
        const whk_sf_parameter_t *parameter = &APR_ARRAY_IDX(parameters, i, whk_sf_parameter_t);

        APR_ARRAY_PUSH(parts, const char *) = ";";
        APR_ARRAY_PUSH(parts, const char *) = parameter->name;
        if (parameter->value.type == WHK_SF_BOOLEAN && parameter->value.number)
            continue;
        APR_ARRAY_PUSH(parts, const char *) = "=";
        APR_ARRAY_PUSH(parts, const char *) = value_text(&parameter->value, pool);
    }
    return apr_array_pstrcat(pool, parts, '\0');
}

const char *whk_sf_item_text(const whk_sf_item_t *item, apr_pool_t *pool)
{
    return apr_pstrcat(pool, value_text(&item->value, pool),
                       parameters_text(item->parameters, pool), NULL);
}

const char *whk_sf_list_text(const whk_sf_member_t *member, apr_pool_t *pool)
{
    apr_array_header_t *items = apr_array_make(pool, 8, sizeof(const char *));
    int i;

    for (i = 0; i < member->list->nelts; i++)
        APR_ARRAY_PUSH(items, const char *) =
            whk_sf_item_text(&APR_ARRAY_IDX(member->list, i, whk_sf_item_t), pool);
    return apr_pstrcat(pool, "(", apr_array_pstrcat(pool, items, ' '), ")",
                       parameters_text(member->parameters, pool), NULL);
}
