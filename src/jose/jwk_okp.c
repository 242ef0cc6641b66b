/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "jose/edwards_point.h"
#include "jose/jwk_parse.h"
#include "jose/openssl_pool.h"
#include "model/log_number.h"

static const whk_outcome_t *check_point(const whk_jwk_parser_t *parser,
                                        const unsigned char *encoded)
{
    int is_ed25519 = parser->type->algorithms == WHK_ALG_EDDSA;

    switch (
        whk_edwards_check_point(is_ed25519 ? &whk_ed25519 : &whk_ed448, encoded, parser->scratch)) {
    case WHK_POINT_VALID:
        return NULL;
    case WHK_POINT_NOT_CANONICAL:
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "x",
                              "must be the canonical encoding of a point (RFC 8032)");
    case WHK_POINT_NOT_ON_CURVE:
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "x", "must be a point on %s",
                              parser->type->crv);
    case WHK_POINT_SMALL_ORDER:
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "x",
                              "is a point of small order, under which anybody can sign: make a "
                              "new key pair");
    default:
        return whk_fail(parser->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0321) "out of memory while judging a key");
    }
}

const whk_outcome_t *whk_jwk_parse_okp(whk_jwk_parser_t *parser)
{
    const char *crv = parser->type->crv;
    const char *x;
    unsigned char *bytes;
    apr_size_t length;
    EVP_PKEY *pkey;

    WHK_TRY(whk_jwk_read_bytes(parser, "x", parser->type->coordinate, &x, &bytes, &length));
    if (!parser->trusted)
        WHK_TRY(check_point(parser, bytes));
    pkey = EVP_PKEY_new_raw_public_key_ex(NULL, crv, NULL, bytes, length);
    parser->jwk->pkey = whk_pool_adopt_pkey(parser->pool, pkey);
    if (!pkey)
        return whk_fail(
            parser->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0322) "OpenSSL can't make a key of %s: is a provider that has it loaded?",
            crv);
    if (!whk_jwk_public_check(parser, pkey))
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "x",
                              "is refused by OpenSSL: make a new key pair");
    parser->members =
        apr_psprintf(parser->scratch, "\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"", crv, x);
    return NULL;
}
