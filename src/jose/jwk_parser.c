/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk_parse.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "jose/base64url.h"
#include "jose/openssl_pool.h"

const whk_outcome_t *whk_jwk_refuse(const whk_jwk_parser_t *parser, whk_code_t code,
                                    const char *member, const char *format, ...)
{
    const char *rest;
    va_list arguments;

    va_start(arguments, format);
    rest = apr_pvsprintf(parser->pool, format, arguments);
    va_end(arguments);
    return whk_refuse(parser->pool, code, "%s%s%s %s", parser->place, member ? "." : "",
                      member ? member : "", rest);
}

/* Long enough for every registered kty, crv, use and alg, too short for a key. */
#define NAME_SEEN_MAX 20

const char *whk_jwk_name_seen(const whk_jwk_parser_t *parser, const json_t *value)
{
    const char *name = json_string_value(value);
    const char *c;

    if (!parser->echo || !name || !*name || json_string_length(value) > NAME_SEEN_MAX)
        return "";
    for (c = name; *c; c++)
        if (!apr_isalnum(*c) && !strchr("-_.+", *c))
            return "";
    return apr_pstrcat(parser->pool, ", and is ", name, NULL);
}

static const whk_outcome_t *refuse_length(const whk_jwk_parser_t *parser, const char *member,
                                          apr_size_t exact, apr_size_t length)
{
    if (exact == 0)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                              "must be base64url of a number, and is empty");
    if (!parser->echo)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                              "must be base64url of %" APR_SIZE_T_FMT " bytes", exact);
    return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                          "must be base64url of %" APR_SIZE_T_FMT " bytes, and is of "
                          "%" APR_SIZE_T_FMT,
                          exact, length);
}

const whk_outcome_t *whk_jwk_read_bytes(const whk_jwk_parser_t *parser, const char *member,
                                        apr_size_t exact, const char **text, unsigned char **bytes,
                                        apr_size_t *length)
{
    const json_t *value = json_object_get(parser->json, member);

    if (!value)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member, "is missing: a key of %s has one",
                              parser->type->name);
    if (!json_is_string(value))
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member, "must be a string");
    *text = json_string_value(value);
    if (!whk_base64url_decode(parser->scratch, *text, json_string_length(value), bytes, length))
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                              "must be base64url without padding, with unused bits zero "
                              "(RFC 7515, section 2)");
    if (*length == 0 || (exact > 0 && *length != exact))
        return refuse_length(parser, member, exact, *length);
    return NULL;
}

EVP_PKEY *whk_jwk_make_pkey(const whk_jwk_parser_t *parser, const char *type,
                            OSSL_PARAM *parameters)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context =
        whk_pool_adopt_pkey_context(parser->scratch, EVP_PKEY_CTX_new_from_name(NULL, type, NULL));

    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        return NULL;
    return whk_pool_adopt_pkey(parser->pool, pkey);
}

int whk_jwk_public_check(const whk_jwk_parser_t *parser, EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context;

    if (parser->trusted)
        return 1;
    context =
        whk_pool_adopt_pkey_context(parser->scratch, EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL));
    return context && EVP_PKEY_public_check(context) == 1;
}
