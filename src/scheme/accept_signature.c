/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/accept_signature.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "http_signature/structured_field.h"

#define LABEL "sig1"
#define CONTENT_DIGEST "content-digest"

static int is_among(const apr_array_header_t *items, const char *text)
{
    int i;

    for (i = 0; i < items->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(items, i, whk_sf_item_t).text, text))
            return 1;
    return 0;
}

/* A component stands in a signature once. */
static void add_component(apr_array_header_t *items, const char *name)
{
    whk_sf_item_t item = {.type = WHK_SF_STRING, .text = name};

    if (is_among(items, name))
        return;
    item.parameters = apr_array_make(items->pool, 1, sizeof(whk_sf_pair_t));
    APR_ARRAY_PUSH(items, whk_sf_item_t) = item;
}

/* Without the host, which not every signer knows as it is called here. */
static apr_array_header_t *components_of(const apr_array_header_t *required, int has_body,
                                         apr_pool_t *pool)
{
    static const char *const usual[] = {"@method", "@path", "@query", CONTENT_DIGEST};
    apr_array_header_t *items = apr_array_make(pool, 5, sizeof(whk_sf_item_t));
    apr_size_t i;
    int j;

    for (i = 0; !required && i < sizeof(usual) / sizeof(usual[0]); i++)
        add_component(items, usual[i]);
    for (j = 0; required && j < required->nelts; j++)
        add_component(items, APR_ARRAY_IDX(required, j, const char *));
    if (has_body)
        add_component(items, CONTENT_DIGEST);
    return items;
}

static void add_parameter(apr_array_header_t *parameters, const char *key, whk_sf_item_t value)
{
    whk_sf_pair_t *pair = apr_array_push(parameters);

    pair->key = key;
    pair->value = value;
}

static int is_sf_string(const char *text)
{
    for (; *text; text++)
        if (!apr_isascii(*text) || !apr_isprint(*text))
            return 0;
    return 1;
}

const char *whk_accept_signature(const apr_array_header_t *required, const char *tag, int has_body,
                                 apr_pool_t *pool)
{
    static const whk_sf_item_t wanted = {.type = WHK_SF_BOOLEAN, .number = 1};
    apr_array_header_t *parameters = apr_array_make(pool, 3, sizeof(whk_sf_pair_t));
    whk_sf_item_t list = {.type = WHK_SF_INNER_LIST, .parameters = parameters};

    if (tag && !is_sf_string(tag))
        return NULL;
    list.members = components_of(required, has_body, pool);
    add_parameter(parameters, "created", wanted);
    if (tag)
        add_parameter(parameters, "tag", (whk_sf_item_t){.type = WHK_SF_STRING, .text = tag});
    return apr_pstrcat(pool, LABEL "=", whk_sf_serialize(&list, pool), NULL);
}
