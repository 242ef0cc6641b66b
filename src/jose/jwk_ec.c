/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "jose/jwk_reading.h"

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

static EVP_PKEY *make_pkey(const whk_jwk_reading_t *reading, const unsigned char *x,
                           const unsigned char *y)
{
    unsigned char point[1 + 2 * COORDINATE_MAX];
    apr_size_t length = encode_point(point, x, y, reading->kind->coordinate);
    char *group = apr_pstrdup(reading->scratch, reading->kind->crv);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, length),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = whk_jwk_make_pkey(reading, "EC", parameters);

    return pkey && whk_jwk_is_sound(reading, pkey) ? pkey : NULL;
}

const whk_outcome_t *whk_jwk_read_ec(whk_jwk_reading_t *reading)
{
    const whk_jwk_kind_t *kind = reading->kind;
    const char *x;
    const char *y;
    unsigned char *x_bytes;
    unsigned char *y_bytes;
    apr_size_t length;

    WHK_TRY(whk_jwk_read_bytes(reading, "x", kind->coordinate, &x, &x_bytes, &length));
    WHK_TRY(whk_jwk_read_bytes(reading, "y", kind->coordinate, &y, &y_bytes, &length));
    reading->jwk->pkey = make_pkey(reading, x_bytes, y_bytes);
    if (!reading->jwk->pkey)
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, NULL,
                              "must hold an x and a y that are a point on %s", kind->crv);
    reading->members =
        apr_psprintf(reading->scratch, "\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"",
                     kind->crv, x, y);
    return NULL;
}
