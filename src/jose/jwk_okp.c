/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "jose/edwards.h"
#include "jose/jwk_reading.h"
#include "jose/openssl_pool.h"

static const whk_outcome_t *judge_point(const whk_jwk_reading_t *reading,
                                        const unsigned char *encoded)
{
    int is_ed25519 = reading->kind->algorithms == WHK_ALG_EDDSA;

    switch (whk_edwards_judge(is_ed25519 ? &whk_ed25519 : &whk_ed448, encoded, reading->scratch)) {
    case WHK_POINT_GOOD:
        return NULL;
    case WHK_POINT_NOT_CANONICAL:
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "x",
                              "must be the canonical encoding of a point (RFC 8032)");
    case WHK_POINT_NOT_ON_CURVE:
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "x", "must be a point on %s",
                              reading->kind->crv);
    case WHK_POINT_SMALL_ORDER:
        return whk_jwk_refuse(reading, WHK_WEAK_KEY, "x",
                              "is a point of small order, under which anybody can sign: make a "
                              "new key pair");
    default:
        return whk_fail(reading->pool, WHK_INTERNAL_ERROR, "out of memory while judging a key");
    }
}

const whk_outcome_t *whk_jwk_read_okp(whk_jwk_reading_t *reading)
{
    const char *crv = reading->kind->crv;
    const char *x;
    unsigned char *bytes;
    apr_size_t length;
    EVP_PKEY *pkey;

    WHK_TRY(whk_jwk_read_bytes(reading, "x", reading->kind->coordinate, &x, &bytes, &length));
    if (!reading->trusted)
        WHK_TRY(judge_point(reading, bytes));
    pkey = EVP_PKEY_new_raw_public_key_ex(NULL, crv, NULL, bytes, length);
    reading->jwk->pkey = whk_own_pkey(reading->pool, pkey);
    if (!pkey)
        return whk_fail(reading->pool, WHK_INTERNAL_ERROR,
                        "OpenSSL can't make a key of %s: is a provider that has it loaded?", crv);
    if (!whk_jwk_is_sound(reading, pkey))
        return whk_jwk_refuse(reading, WHK_WEAK_KEY, "x",
                              "is refused by OpenSSL: make a new key pair");
    reading->members =
        apr_psprintf(reading->scratch, "\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"", crv, x);
    return NULL;
}
