/* SPDX-License-Identifier: Apache-2.0 */
#include "http_signature/query_parameter.h"

#include <apr_lib.h>
#include <string.h>

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

/* A percent sign that no two hexadecimal digits follow stands for itself. */
static unsigned char decode(const char **c, const char *end)
{
    const char *at = *c;

    *c += 1;
    if (*at == '+')
        return ' ';
    if (*at != '%' || end - at < 3 || !apr_isxdigit(at[1]) || !apr_isxdigit(at[2]))
        return (unsigned char)*at;
    *c += 2;
    return (unsigned char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
}

/* The percent-encode set of application/x-www-form-urlencoded, but with %20 for a space. */
static int is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("*-._", c));
}

/* One piece has one spelling, whatever way it was sent. */
static const char *encoded(const char *c, const char *end, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = apr_palloc(pool, 3 * (apr_size_t)(end - c) + 1);
    char *out = text;

    while (c < end) {
        unsigned char byte = decode(&c, end);

        if (is_plain(byte)) {
            *out++ = (char)byte;
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 0xF];
    }
    *out = '\0';
    return text;
}

static void add(apr_hash_t *parameters, const char *name, const char *value)
{
    apr_pool_t *pool = apr_hash_pool_get(parameters);
    whk_query_parameter_t *parameter = apr_hash_get(parameters, name, APR_HASH_KEY_STRING);

    if (!parameter) {
        parameter = apr_palloc(pool, sizeof(*parameter));
        parameter->value = value;
        parameter->count = 0;
        apr_hash_set(parameters, name, APR_HASH_KEY_STRING, parameter);
    }
    parameter->count++;
}

apr_hash_t *whk_query_parameters(const char *query, apr_pool_t *pool)
{
    apr_hash_t *parameters = apr_hash_make(pool);

    while (*query) {
        const char *end = query + strcspn(query, "&");
        const char *equals = memchr(query, '=', (size_t)(end - query));

        if (end > query)
            add(parameters, encoded(query, equals ? equals : end, pool),
                encoded(equals ? equals + 1 : end, end, pool));
        query = *end ? end + 1 : end;
    }
    return parameters;
}
