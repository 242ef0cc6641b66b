#include "jose/signature_base.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

static const char *trim(const char *value, apr_pool_t *pool)
{
    apr_size_t length;

    value += strspn(value, " \t");
    length = strlen(value);
    while (length && strchr(" \t", value[length - 1]))
        length--;
    return apr_pstrmemdup(pool, value, length);
}

const char *whk_signature_base_field(const whk_message_t *message, const char *name,
                                     apr_pool_t *pool)
{
    const apr_array_header_t *values = message->field(message->baton, name, pool);
    apr_array_header_t *parts;
    int i;

    if (!values || !values->nelts)
        return NULL;
    parts = apr_array_make(pool, 2 * values->nelts, sizeof(const char *));
    for (i = 0; i < values->nelts; i++) {
        if (i)
            APR_ARRAY_PUSH(parts, const char *) = ", ";
        APR_ARRAY_PUSH(parts, const char *) = trim(APR_ARRAY_IDX(values, i, const char *), pool);
    }
    return apr_array_pstrcat(pool, parts, '\0');
}

static const char *query_of(const whk_message_t *message)
{
    const char *query = strchr(message->target, '?');

    return query ? query : "?";
}

static const char *path_of(const whk_message_t *message, apr_pool_t *pool)
{
    apr_size_t length = strcspn(message->target, "?");

    return length ? apr_pstrmemdup(pool, message->target, length) : "/";
}

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

/* Decode as application/x-www-form-urlencoded, and encode again with %20 for a space (section
 * 2.2.8), so that one name or value has one spelling. */
static const char *respell(const char *text, apr_size_t length, apr_pool_t *pool)
{
    char *spelled = apr_palloc(pool, 3 * length + 1);
    char *out = spelled;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%' && i + 2 < length && apr_isxdigit(text[i + 1]) &&
                   apr_isxdigit(text[i + 2])) {
            c = (unsigned char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
            i += 2;
        }
        if (apr_isalnum(c) || (c && strchr("*-._", c)))
            *out++ = (char)c;
        else
            out += apr_snprintf(out, 4, "%%%02X", c);
    }
    *out = '\0';
    return spelled;
}

/* NULL where it is not there, or there more than once. */
static const char *query_parameter(const whk_message_t *message, const char *wanted,
                                   apr_pool_t *pool)
{
    const char *at = query_of(message) + 1;
    const char *found = NULL;
    const char *name = respell(wanted, strlen(wanted), pool);

    while (*at) {
        apr_size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        apr_size_t name_length = equals ? (apr_size_t)(equals - at) : length;

        if (!strcmp(respell(at, name_length, pool), name)) {
            if (found)
                return NULL;
            found = equals ? respell(equals + 1, length - name_length - 1, pool) : "";
        }
        at += length;
        at += *at == '&';
    }
    return found;
}

static const char *derived_value(const whk_sf_item_t *item, const whk_message_t *message,
                                 apr_pool_t *pool)
{
    const char *name = item->value.text;
    const whk_sf_value_t *parameter;

    if (!strcmp(name, "@query-param")) {
        parameter = whk_sf_parameter(item->parameters, "name");
        if (item->parameters->nelts != 1 || !parameter || parameter->type != WHK_SF_STRING)
            return NULL;
        return query_parameter(message, parameter->text, pool);
    }
    if (item->parameters->nelts)
        return NULL;
    if (!strcmp(name, "@method"))
        return message->method;
    if (!strcmp(name, "@target-uri"))
        return apr_pstrcat(pool, message->scheme, "://", message->authority, message->target, NULL);
    if (!strcmp(name, "@authority"))
        return message->authority;
    if (!strcmp(name, "@scheme"))
        return message->scheme;
    if (!strcmp(name, "@request-target"))
        return message->target;
    if (!strcmp(name, "@path"))
        return path_of(message, pool);
    return strcmp(name, "@query") ? NULL : query_of(message);
}

static const char *field_value(const whk_sf_item_t *item, const whk_message_t *message,
                               apr_pool_t *pool)
{
    const char *c;

    if (item->parameters->nelts)
        return NULL;
    for (c = item->value.text; *c; c++)
        if (apr_isupper(*c) || *c == ':' || *c <= ' ')
            return NULL;
    return whk_signature_base_field(message, item->value.text, pool);
}

static const whk_outcome_t *add_component(apr_array_header_t *lines, const whk_sf_item_t *item,
                                          const whk_message_t *message, apr_pool_t *pool)
{
    const char *identifier = whk_sf_item_text(item, pool);
    const char *value = NULL;
    int i;

    for (i = 0; i < lines->nelts; i += 4)
        if (!strcmp(APR_ARRAY_IDX(lines, i, const char *), identifier))
            return whk_refuse(pool, WHK_MALFORMED_JWS,
                              "Signature-Input lists a component twice: list each once");
    if (item->value.type == WHK_SF_STRING && item->value.length)
        value = *item->value.text == '@' ? derived_value(item, message, pool)
                                         : field_value(item, message, pool);
    if (!value)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "component %d of Signature-Input is not in this request, or has a "
                          "parameter or name that is not understood here",
                          lines->nelts / 4 + 1);
    APR_ARRAY_PUSH(lines, const char *) = identifier;
    APR_ARRAY_PUSH(lines, const char *) = ": ";
    APR_ARRAY_PUSH(lines, const char *) = value;
    APR_ARRAY_PUSH(lines, const char *) = "\n";
    return NULL;
}

const whk_outcome_t *whk_signature_base(const char **base, const whk_sf_member_t *input,
                                        const whk_message_t *message, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 32, sizeof(const char *));
    int i;

    for (i = 0; i < input->list->nelts; i++)
        WHK_TRY(add_component(lines, &APR_ARRAY_IDX(input->list, i, whk_sf_item_t), message, pool));
    APR_ARRAY_PUSH(lines, const char *) = "\"@signature-params\": ";
    APR_ARRAY_PUSH(lines, const char *) = whk_sf_list_text(input, pool);
    *base = apr_array_pstrcat(pool, lines, '\0');
    return NULL;
}

int whk_signature_base_covers(const whk_sf_member_t *input, const char *name)
{
    int i;

    for (i = 0; i < input->list->nelts; i++) {
        const whk_sf_item_t *item = &APR_ARRAY_IDX(input->list, i, whk_sf_item_t);

        if (item->value.type == WHK_SF_STRING && !item->parameters->nelts &&
            !strcmp(item->value.text, name))
            return 1;
    }
    return 0;
}
