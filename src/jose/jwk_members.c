/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "jose/jwk_parse.h"
#include "model/name.h"

const whk_outcome_t *whk_jwk_check_public(const whk_jwk_parser_t *parser)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    apr_size_t i;

    if (!json_is_object(parser->json))
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, NULL, "must be an object: a JWK");
    for (i = 0; i < sizeof(private_members) / sizeof(private_members[0]); i++)
        if (json_object_get(parser->json, private_members[i]))
            return whk_jwk_refuse(parser, WHK_PRIVATE_KEY_MATERIAL, private_members[i],
                                  "belongs to a private or secret key: treat that key as "
                                  "compromised, make a new one, and send its public members alone");
    return NULL;
}

static const whk_outcome_t *check_use(const whk_jwk_parser_t *parser)
{
    const json_t *use = json_object_get(parser->json, "use");

    if (!use || (json_is_string(use) && strcmp(json_string_value(use), "sig") == 0))
        return NULL;
    return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "use", "must be \"sig\", or be left out%s",
                          whk_jwk_name_seen(parser, use));
}

/* Every other operation of RFC 7517, section 4.3, needs a private or secret key, or is not about
 * signatures; and a repeated one is forbidden there: `verify` stands alone. */
static const whk_outcome_t *check_key_ops(const whk_jwk_parser_t *parser)
{
    const json_t *key_ops = json_object_get(parser->json, "key_ops");
    const json_t *only;

    if (!key_ops)
        return NULL;
    only = json_array_size(key_ops) == 1 ? json_array_get(key_ops, 0) : NULL;
    if (json_is_string(only) && strcmp(json_string_value(only), "verify") == 0)
        return NULL;
    return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "key_ops",
                          "must be [\"verify\"], or be left out: a public key registered here "
                          "does nothing else");
}

/* `EdDSA` is the algorithm of both Edwards curves; the others belong to one type of key each. */
static whk_algorithms_t algorithms_of_name(const whk_jwk_key_type_t *type, const char *name)
{
    if (strcmp(name, "EdDSA") == 0)
        return type->algorithms & (WHK_ALG_EDDSA | WHK_ALG_ED448);
    return type->algorithms & whk_algorithm_by_name(name);
}

static const whk_outcome_t *read_alg(whk_jwk_parser_t *parser)
{
    const whk_jwk_key_type_t *type = parser->type;
    const json_t *alg = json_object_get(parser->json, "alg");
    whk_algorithms_t algorithms = type->algorithms;

    if (alg) {
        algorithms = json_is_string(alg) ? algorithms_of_name(type, json_string_value(alg)) : 0;
        parser->alg = json_string_value(alg);
    }
    if (!algorithms)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "alg",
                              "must fit a key of %s (%s), or be left out%s", type->name,
                              whk_algorithms_names(parser->pool, type->algorithms),
                              whk_jwk_name_seen(parser, alg));
    if (!(algorithms & parser->enabled))
        return whk_jwk_refuse(
            parser, WHK_UNSUPPORTED_KEY, "alg",
            "must be an algorithm that is accepted here (%s), or be left out%s",
            whk_algorithms_names(parser->pool, type->algorithms & parser->enabled),
            whk_jwk_name_seen(parser, alg));
    parser->jwk->algorithms = algorithms;
    return NULL;
}

static const whk_outcome_t *read_kid(whk_jwk_parser_t *parser)
{
    const json_t *kid = json_object_get(parser->json, "kid");
    const char *flaw;

    if (!kid)
        return NULL;
    if (!json_is_string(kid))
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "kid", "must be a string");
    flaw = whk_key_id_flaw(json_string_value(kid), json_string_length(kid));
    if (flaw)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "kid", "must %s", flaw);
    parser->jwk->kid =
        apr_pstrmemdup(parser->pool, json_string_value(kid), json_string_length(kid));
    return NULL;
}

const whk_outcome_t *whk_jwk_parse_common_members(whk_jwk_parser_t *parser)
{
    WHK_TRY(check_use(parser));
    WHK_TRY(check_key_ops(parser));
    WHK_TRY(read_alg(parser));
    return read_kid(parser);
}
