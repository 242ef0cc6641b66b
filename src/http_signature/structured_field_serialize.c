/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "http_signature/structured_field.h"
#include "jose/base64.h"

static void put(apr_array_header_t *pieces, const char *text)
{
    APR_ARRAY_PUSH(pieces, const char *) = text;
}

static const char *string_text(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(text) + 3);
    char *out = quoted;

    *out++ = '"';
    for (; *text; *out++ = *text++)
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
    *out++ = '"';
    *out = '\0';
    return quoted;
}

/* At least one digit of the fraction, and no zeros after that. */
static const char *decimal_text(apr_int64_t number, apr_pool_t *pool)
{
    apr_int64_t thousandths = number < 0 ? -number : number;
    char *text = apr_psprintf(pool, "%s%" APR_INT64_T_FMT ".%03d", number < 0 ? "-" : "",
                              thousandths / 1000, (int)(thousandths % 1000));
    apr_size_t length = strlen(text);

    while (text[length - 1] == '0' && text[length - 2] != '.')
        text[--length] = '\0';
    return text;
}

static const char *bare_text(const whk_sf_item_t *item, apr_pool_t *pool)
{
    switch (item->type) {
    case WHK_SF_INTEGER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, item->number);
    case WHK_SF_DECIMAL:
        return decimal_text(item->number, pool);
    case WHK_SF_STRING:
        return string_text(item->text, pool);
    case WHK_SF_BYTES:
        return apr_pstrcat(pool, ":", whk_base64_encode(pool, item->bytes, item->length), ":",
                           NULL);
    case WHK_SF_BOOLEAN:
        return item->number ? "?1" : "?0";
    default:
        return item->text;
    }
}

static void put_parameters(apr_array_header_t *pieces, const apr_array_header_t *pairs)
{
    int i;

    for (i = 0; i < pairs->nelts; i++) {
        const whk_sf_pair_t *pair = &APR_ARRAY_IDX(pairs, i, whk_sf_pair_t);

        put(pieces, ";");
        put(pieces, pair->key);
        if (pair->value.type == WHK_SF_BOOLEAN && pair->value.number)
            continue;
        put(pieces, "=");
        put(pieces, bare_text(&pair->value, pieces->pool));
    }
}

static void put_item(apr_array_header_t *pieces, const whk_sf_item_t *item)
{
    put(pieces, bare_text(item, pieces->pool));
    put_parameters(pieces, item->parameters);
}

static void put_list(apr_array_header_t *pieces, const whk_sf_item_t *list)
{
    int i;

    put(pieces, "(");
    for (i = 0; i < list->members->nelts; i++) {
        if (i)
            put(pieces, " ");
        put_item(pieces, &APR_ARRAY_IDX(list->members, i, whk_sf_item_t));
    }
    put(pieces, ")");
    put_parameters(pieces, list->parameters);
}

const char *whk_sf_serialize(const whk_sf_item_t *item, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, 16, sizeof(const char *));

    if (item->type == WHK_SF_INNER_LIST)
        put_list(pieces, item);
    else
        put_item(pieces, item);
    return apr_array_pstrcat(pool, pieces, 0);
}
