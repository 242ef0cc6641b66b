/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk_from_pkey.h"

#include <openssl/core_names.h>
#include <string.h>

#include "jose/base64url.h"
#include "jose/openssl_pool.h"

#define EDWARDS_MAX 57   /* bytes of a public key */
#define INTEGER_MAX 2048 /* bytes of a modulus */

typedef struct {
    const char *name; /* OpenSSL's, of the type or the group */
    const char *crv;
    int coordinate;
    whk_algorithm_t algorithm;
} curve_t;

static const curve_t edwards[] = {
    {"ED25519", "Ed25519", 32, WHK_ALG_EDDSA},
    {"ED448", "Ed448", 57, WHK_ALG_ED448},
};

static const curve_t groups[] = {
    {"prime256v1", "P-256", 32, WHK_ALG_ES256},
    {"secp384r1", "P-384", 48, WHK_ALG_ES384},
    {"secp521r1", "P-521", 66, WHK_ALG_ES512},
    {"secp256k1", "secp256k1", 32, WHK_ALG_ES256K},
};

static const curve_t *edwards_of(EVP_PKEY *pkey)
{
    apr_size_t i;

    for (i = 0; i < sizeof(edwards) / sizeof(edwards[0]); i++)
        if (EVP_PKEY_is_a(pkey, edwards[i].name))
            return &edwards[i];
    return NULL;
}

static const curve_t *group_of(EVP_PKEY *pkey)
{
    char group[64] = "";
    apr_size_t i;

    if (!EVP_PKEY_is_a(pkey, "EC") ||
        EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                       NULL) != 1)
        return NULL;
    for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(groups[i].name, group) == 0)
            return &groups[i];
    return NULL;
}

whk_algorithms_t whk_jwk_algorithms_of_pkey(EVP_PKEY *pkey)
{
    const curve_t *curve = edwards_of(pkey);

    if (!curve)
        curve = group_of(pkey);
    if (curve)
        return curve->algorithm;
    return EVP_PKEY_is_a(pkey, "RSA") ? WHK_ALGORITHMS_RSA : 0;
}

/* A public integer in base64url, of `width` bytes or, where that is 0, as short as can be. */
static const char *integer_text(EVP_PKEY *pkey, const char *name, int width, apr_pool_t *pool)
{
    unsigned char bytes[INTEGER_MAX];
    BIGNUM *number = NULL;
    int length;

    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1)
        return NULL;
    whk_pool_adopt_bignum(pool, number);
    length = width ? width : BN_num_bytes(number);
    if (length > INTEGER_MAX || BN_bn2binpad(number, bytes, length) != length)
        return NULL;
    return whk_base64url_encode(pool, bytes, (apr_size_t)length);
}

static json_t *edwards_members(EVP_PKEY *pkey, const curve_t *curve, apr_pool_t *pool)
{
    unsigned char bytes[EDWARDS_MAX];
    size_t length = sizeof(bytes);

    if (EVP_PKEY_get_raw_public_key(pkey, bytes, &length) != 1)
        return NULL;
    return json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", curve->crv, "x",
                     whk_base64url_encode(pool, bytes, length));
}

static json_t *group_members(EVP_PKEY *pkey, const curve_t *curve, apr_pool_t *pool)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", curve->crv, "x",
                     integer_text(pkey, OSSL_PKEY_PARAM_EC_PUB_X, curve->coordinate, pool), "y",
                     integer_text(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, curve->coordinate, pool));
}

static json_t *rsa_members(EVP_PKEY *pkey, apr_pool_t *pool)
{
    return json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n",
                     integer_text(pkey, OSSL_PKEY_PARAM_RSA_N, 0, pool), "e",
                     integer_text(pkey, OSSL_PKEY_PARAM_RSA_E, 0, pool));
}

json_t *whk_jwk_from_pkey(EVP_PKEY *pkey, apr_pool_t *pool)
{
    const curve_t *curve = edwards_of(pkey);

    if (curve)
        return edwards_members(pkey, curve, pool);
    curve = group_of(pkey);
    if (curve)
        return group_members(pkey, curve, pool);
    return EVP_PKEY_is_a(pkey, "RSA") ? rsa_members(pkey, pool) : NULL;
}
