/* SPDX-License-Identifier: Apache-2.0 */
#include "http_signature/http_signature_algorithm.h"

#include <apr_strings.h>
#include <string.h>

/* The names that are registered; those without an algorithm are known for the message alone. */
static const struct {
    const char *name;
    whk_algorithms_t algorithm;
} rows[] = {
    {"ed25519", WHK_ALG_EDDSA},           {"ecdsa-p256-sha256", WHK_ALG_ES256},
    {"ecdsa-p384-sha384", WHK_ALG_ES384}, {"rsa-v1_5-sha256", WHK_ALG_RS256},
    {"rsa-pss-sha512", WHK_ALG_PS512},    {"hmac-sha256", 0},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static int row_of(const char *alg)
{
    int i;

    for (i = 0; i < (int)ROW_COUNT; i++)
        if (strcmp(rows[i].name, alg) == 0)
            return i;
    return -1;
}

const char *whk_http_signature_algorithm_name(whk_algorithm_t algorithm)
{
    apr_size_t i;

    for (i = 0; i < ROW_COUNT; i++)
        if (rows[i].algorithm == (whk_algorithms_t)algorithm)
            return rows[i].name;
    return NULL;
}

static const char *names_of(whk_algorithms_t algorithms, apr_pool_t *pool)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < ROW_COUNT; i++)
        if (rows[i].algorithm & algorithms)
            names = apr_pstrcat(pool, names, *names ? " or " : "", rows[i].name, NULL);
    return names;
}

static int is_one(whk_algorithms_t algorithms)
{
    return algorithms && (algorithms & (algorithms - 1)) == 0;
}

static const char *advice(whk_algorithms_t good, apr_pool_t *pool)
{
    const char *names = names_of(good, pool);

    if (!good)
        return "register a key of an algorithm that is turned on here";
    if (*names)
        return apr_pstrcat(pool, "sign with ", names, ", and say so in alg", NULL);
    if (is_one(good))
        return apr_pstrcat(pool, "sign with ", whk_algorithms_names(pool, good),
                           ", which has no name there, and leave alg out", NULL);
    return "register the key with the one algorithm that it signs by as alg of its JWK, and leave "
           "alg out of Signature-Input";
}

const whk_outcome_t *whk_http_signature_algorithm(whk_algorithm_t *algorithm, const whk_jwk_t *jwk,
                                                  const char *alg, whk_algorithms_t enabled,
                                                  apr_pool_t *pool)
{
    whk_algorithms_t good = jwk->algorithms & enabled;
    int row = alg ? row_of(alg) : -1;
    whk_algorithms_t named = row < 0 ? 0 : rows[row].algorithm & good;

    if (alg && !named)
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                          "alg of Signature-Input is %s, and not one that this %s key verifies "
                          "here: %s",
                          row < 0 ? "an unknown algorithm" : rows[row].name, jwk->family,
                          advice(good, pool));
    if (!alg && !is_one(good))
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                          "Signature-Input has no alg, and this %s key verifies %s here: %s",
                          jwk->family, good ? "by several algorithms" : "by no algorithm",
                          advice(good, pool));
    *algorithm = alg ? named : good;
    return NULL;
}
