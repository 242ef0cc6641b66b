/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jws_algorithm.h"

#include <apr_strings.h>
#include <string.h>

#define NAME_MAX_SEEN 20

/* The bits that a JOSE `alg` names: `EdDSA` is the algorithm of both Edwards curves. */
static whk_algorithms_t algorithms_of(const char *alg)
{
    if (strcmp(alg, "EdDSA") == 0)
        return WHK_ALG_EDDSA | WHK_ALG_ED448;
    return whk_algorithm_by_name(alg);
}

/* As it may stand in a message: an algorithm's name, and nothing that only claims to be one. */
static const char *seen(const char *alg)
{
    const char *c;

    for (c = alg; *c; c++)
        if (*c <= ' ' || *c > '~')
            return "an unknown algorithm";
    return *alg && c - alg <= NAME_MAX_SEEN ? alg : "an unknown algorithm";
}

static const char *curve_of(whk_algorithms_t algorithms)
{
    switch (algorithms) {
    case WHK_ALG_EDDSA:
        return "Ed25519";
    case WHK_ALG_ED448:
        return "Ed448";
    case WHK_ALG_ES256:
        return "P-256";
    case WHK_ALG_ES384:
        return "P-384";
    case WHK_ALG_ES512:
        return "P-521";
    case WHK_ALG_ES256K:
        return "secp256k1";
    default:
        return NULL;
    }
}

/* `P-256`, `RSA`, or `RSA for PS512 alone`, where the JWK's own `alg` says so. */
static const char *key_seen(const whk_jwk_t *jwk, apr_pool_t *pool)
{
    const char *curve = curve_of(jwk->algorithms);

    if (curve)
        return curve;
    if ((jwk->algorithms & WHK_ALGORITHMS_RSA) == WHK_ALGORITHMS_RSA)
        return "RSA";
    return apr_pstrcat(pool, "RSA for ", whk_algorithms_names(pool, jwk->algorithms), " alone",
                       NULL);
}

static const char *advice(const whk_jwk_t *jwk, whk_algorithms_t enabled, apr_pool_t *pool)
{
    whk_algorithms_t good = jwk->algorithms & enabled;
    const char *names = whk_algorithms_names(pool, good);

    if (!good)
        return "register a key of an algorithm that is turned on here";
    return apr_pstrcat(pool, "sign with ", strchr(names, ' ') ? "one of " : "", names, NULL);
}

whk_algorithms_t whk_jws_algorithm(const whk_jwk_t *jwk, const char *alg, whk_algorithms_t enabled,
                                   const char **flaw, apr_pool_t *pool)
{
    whk_algorithms_t own = jwk->algorithms & algorithms_of(alg);

    if (own & enabled)
        return own & enabled;
    if (own)
        *flaw = apr_psprintf(pool, "the JWS header says %s, which is not turned on here: %s",
                             seen(alg), advice(jwk, enabled, pool));
    else
        *flaw = apr_psprintf(pool, "the JWS header says %s, this key is %s: %s", seen(alg),
                             key_seen(jwk, pool), advice(jwk, enabled, pool));
    return 0;
}
