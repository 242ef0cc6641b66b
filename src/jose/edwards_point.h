/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Is this string of bytes a point of an Edwards curve, and one that may be a public key? OpenSSL
 * takes any bytes of the right length for an Ed25519 or Ed448 key. */

#include <apr_pools.h>

/** A curve of RFC 8032: see edwards_point.c. */
typedef struct whk_edwards_curve_t whk_edwards_curve_t;

extern const whk_edwards_curve_t whk_ed25519; /**< encodings are 32 bytes long */
extern const whk_edwards_curve_t whk_ed448;   /**< encodings are 57 bytes long */

typedef enum {
    WHK_POINT_VALID,
    WHK_POINT_NOT_CANONICAL, /**< y is not less than the field's prime, or x = 0 has a sign */
    WHK_POINT_NOT_ON_CURVE,  /**< no x belongs to this y */
    WHK_POINT_SMALL_ORDER,   /**< the curve's cofactor times the point is the identity */
    WHK_POINT_UNKNOWN        /**< out of memory */
} whk_point_t;

/** Check an encoded point (RFC 8032, sections 5.1.3 and 5.2.3). Public data: takes variable time.
 * @param encoded as many bytes as the curve's encodings have
 * @param scratch for what is needed meanwhile */
whk_point_t whk_edwards_check_point(const whk_edwards_curve_t *curve, const unsigned char *encoded,
                                    apr_pool_t *scratch);
