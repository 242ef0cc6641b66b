/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "jose/jwk_parse.h"

static const whk_jwk_key_type_t types[] = {
    {"OKP", "Ed25519", "Ed25519", "EdDSA", WHK_ALG_EDDSA, 32, whk_jwk_parse_okp},
    {"OKP", "Ed448", "Ed448", "EdDSA", WHK_ALG_ED448, 57, whk_jwk_parse_okp},
    {"EC", "P-256", "P-256", "ECDSA", WHK_ALG_ES256, 32, whk_jwk_parse_ec},
    {"EC", "P-384", "P-384", "ECDSA", WHK_ALG_ES384, 48, whk_jwk_parse_ec},
    {"EC", "P-521", "P-521", "ECDSA", WHK_ALG_ES512, 66, whk_jwk_parse_ec},
    {"EC", "secp256k1", "secp256k1", "ECDSA", WHK_ALG_ES256K, 32, whk_jwk_parse_ec},
    {"RSA", NULL, "RSA", "RSA", WHK_ALGORITHMS_RSA, 0, whk_jwk_parse_rsa},
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

/* `OKP Ed25519, EC P-256, …`: those that are turned on. */
static const char *accepted_types(const whk_jwk_parser_t *parser)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < TYPE_COUNT; i++)
        if (types[i].algorithms & parser->enabled)
            names = apr_pstrcat(parser->pool, names, *names ? ", " : "", types[i].kty,
                                types[i].crv ? " " : "", types[i].crv ? types[i].crv : "", NULL);
    return names;
}

static const whk_outcome_t *unsupported(const whk_jwk_parser_t *parser, const char *member)
{
    return whk_jwk_refuse(
        parser, WHK_UNSUPPORTED_KEY, member, "must be that of a key that is accepted here (%s)%s",
        accepted_types(parser), whk_jwk_name_seen(parser, json_object_get(parser->json, member)));
}

static const whk_outcome_t *read_name(const whk_jwk_parser_t *parser, const char *member,
                                      const char **name)
{
    const json_t *value = json_object_get(parser->json, member);

    if (!value)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                              "is missing: an accepted key is one of %s", accepted_types(parser));
    if (!json_is_string(value))
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member, "must be a string");
    *name = json_string_value(value);
    return NULL;
}

static const whk_jwk_key_type_t *type_of_kty(const char *kty)
{
    apr_size_t i;

    for (i = 0; i < TYPE_COUNT; i++)
        if (strcmp(types[i].kty, kty) == 0)
            return &types[i];
    return NULL;
}

static const whk_jwk_key_type_t *type_of_curve(const char *kty, const char *crv)
{
    apr_size_t i;

    for (i = 0; i < TYPE_COUNT; i++)
        if (types[i].crv && strcmp(types[i].kty, kty) == 0 && strcmp(types[i].crv, crv) == 0)
            return &types[i];
    return NULL;
}

const whk_outcome_t *whk_jwk_find_key_type(whk_jwk_parser_t *parser)
{
    const char *member = "kty";
    const char *kty = NULL;
    const char *crv = NULL;
    const whk_jwk_key_type_t *type;

    WHK_TRY(read_name(parser, "kty", &kty));
    type = type_of_kty(kty);
    if (type && type->crv) {
        member = "crv";
        WHK_TRY(read_name(parser, "crv", &crv));
        type = type_of_curve(kty, crv);
    }
    if (!type || !(type->algorithms & parser->enabled))
        return unsupported(parser, member);
    parser->type = type;
    return NULL;
}
