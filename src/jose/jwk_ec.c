/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "jose/jwk_parse.h"

#define COORDINATE_MAX 66

/* SEC 1, section 2.3.3: 4 and both coordinates. The point at infinity has no such form. */
static apr_size_t encode_point(unsigned char *point, const unsigned char *x, const unsigned char *y,
                               apr_size_t coordinate)
{
    point[0] = 4;
    memcpy(point + 1, x, coordinate);
    memcpy(point + 1 + coordinate, y, coordinate);
    return 1 + 2 * coordinate;
}

static EVP_PKEY *make_pkey(const whk_jwk_parser_t *parser, const unsigned char *x,
                           const unsigned char *y)
{
    unsigned char point[1 + 2 * COORDINATE_MAX];
    apr_size_t length = encode_point(point, x, y, parser->type->coordinate);
    char *group = apr_pstrdup(parser->scratch, parser->type->crv);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, length),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = whk_jwk_make_pkey(parser, "EC", parameters);

    return pkey && whk_jwk_public_check(parser, pkey) ? pkey : NULL;
}

const whk_outcome_t *whk_jwk_parse_ec(whk_jwk_parser_t *parser)
{
    const whk_jwk_key_type_t *type = parser->type;
    const char *x;
    const char *y;
    unsigned char *x_bytes;
    unsigned char *y_bytes;
    apr_size_t length;

    WHK_TRY(whk_jwk_read_bytes(parser, "x", type->coordinate, &x, &x_bytes, &length));
    WHK_TRY(whk_jwk_read_bytes(parser, "y", type->coordinate, &y, &y_bytes, &length));
    parser->jwk->pkey = make_pkey(parser, x_bytes, y_bytes);
    if (!parser->jwk->pkey)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, NULL,
                              "must hold an x and a y that are a point on %s", type->crv);
    parser->members =
        apr_psprintf(parser->scratch, "\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"",
                     type->crv, x, y);
    return NULL;
}
