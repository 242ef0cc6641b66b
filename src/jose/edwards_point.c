/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/edwards_point.h"

#include <string.h>

#include "jose/openssl_pool.h"

/* a x^2 + y^2 = 1 + d x^2 y^2 over the field of `prime` elements; numbers are hexadecimal. */
struct whk_edwards_curve_t {
    int length; /* bytes of an encoding: y, least byte first, and the sign of x as its top bit */
    int a;
    const char *prime;
    const char *d;
    /* The points whose order divides the cofactor have these y, 1 and -1; NULL ends them. */
    const char *torsion[4];
};

const whk_edwards_curve_t whk_ed25519 = {
    .length = 32,
    .a = -1,
    .prime = "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFED",
    .d = "52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3",
    .torsion = {"0", "05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826",
                "7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7"},
};

const whk_edwards_curve_t whk_ed448 = {
    .length = 57,
    .a = 1,
    .prime = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE"
             "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    .d = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE"
         "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6756",
    .torsion = {"0"},
};

/* What a check works with; every number is freed with `context`. */
typedef struct {
    const whk_edwards_curve_t *curve;
    BN_CTX *context;
    BIGNUM *prime;
    BIGNUM *y;
    BIGNUM *u;
    BIGNUM *v;
    BIGNUM *d;
    int sign;
} working_t;

static int prepare(working_t *working, const unsigned char *encoded)
{
    const whk_edwards_curve_t *curve = working->curve;
    unsigned char bytes[57];

    working->prime = BN_CTX_get(working->context);
    working->y = BN_CTX_get(working->context);
    working->u = BN_CTX_get(working->context);
    working->v = BN_CTX_get(working->context);
    working->d = BN_CTX_get(working->context);
    if (!working->d)
        return 0;
    memcpy(bytes, encoded, (size_t)curve->length);
    working->sign = bytes[curve->length - 1] >> 7;
    bytes[curve->length - 1] &= 0x7F;
    return BN_hex2bn(&working->prime, curve->prime) && BN_hex2bn(&working->d, curve->d) &&
           BN_lebin2bn(bytes, curve->length, working->y) != NULL;
}

/* x^2 = u / v with u = y^2 - 1 and v = d y^2 - a. v is never 0, for neither d nor d / a is a
 * square, so u / v is a square just where u v is: 1, or 0 for x = 0. -1: not a square. */
static int square_character(const working_t *working)
{
    BN_CTX *context = working->context;
    const BIGNUM *prime = working->prime;
    BIGNUM *u = working->u;
    BIGNUM *v = working->v;

    if (!BN_mod_sqr(u, working->y, prime, context) ||
        !BN_mod_mul(v, u, working->d, prime, context) || !BN_sub_word(u, 1) ||
        !(working->curve->a < 0 ? BN_add_word(v, 1) : BN_sub_word(v, 1)) ||
        !BN_mod_mul(u, u, v, prime, context))
        return -2;
    return BN_kronecker(u, prime, context);
}

static whk_point_t check_order(const working_t *working)
{
    BIGNUM *number = working->u;
    const char *const *y;

    for (y = working->curve->torsion; *y; y++) {
        if (!BN_hex2bn(&number, *y))
            return WHK_POINT_UNKNOWN;
        if (BN_cmp(number, working->y) == 0)
            return WHK_POINT_SMALL_ORDER;
    }
    return WHK_POINT_VALID;
}

static whk_point_t check(working_t *working, const unsigned char *encoded)
{
    if (!prepare(working, encoded))
        return WHK_POINT_UNKNOWN;
    if (BN_cmp(working->y, working->prime) >= 0)
        return WHK_POINT_NOT_CANONICAL;
    switch (square_character(working)) {
    case 1:
        return check_order(working);
    case 0:
        return working->sign ? WHK_POINT_NOT_CANONICAL : WHK_POINT_SMALL_ORDER;
    case -1:
        return WHK_POINT_NOT_ON_CURVE;
    default:
        return WHK_POINT_UNKNOWN;
    }
}

whk_point_t whk_edwards_check_point(const whk_edwards_curve_t *curve, const unsigned char *encoded,
                                    apr_pool_t *scratch)
{
    working_t working = {.curve = curve,
                         .context = whk_pool_adopt_bignum_context(scratch, BN_CTX_new())};
    whk_point_t point;

    if (!working.context)
        return WHK_POINT_UNKNOWN;
    BN_CTX_start(working.context);
    point = check(&working, encoded);
    BN_CTX_end(working.context);
    return point;
}
