/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "jose/jwk_reading.h"
#include "model/name.h"

static const whk_outcome_t *check_use(const whk_jwk_reading_t *reading)
{
    const json_t *use = json_object_get(reading->json, "use");

    if (!use || (json_is_string(use) && strcmp(json_string_value(use), "sig") == 0))
        return NULL;
    return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "use", "must be \"sig\", or be left out%s",
                          whk_jwk_name_seen(reading, use));
}

/* Every other operation of RFC 7517, section 4.3, needs a private or secret key, or is not about
 * signatures; and a repeated one is forbidden there: `verify` stands alone. */
static const whk_outcome_t *check_key_ops(const whk_jwk_reading_t *reading)
{
    const json_t *key_ops = json_object_get(reading->json, "key_ops");
    const json_t *only;

    if (!key_ops)
        return NULL;
    only = json_array_size(key_ops) == 1 ? json_array_get(key_ops, 0) : NULL;
    if (json_is_string(only) && strcmp(json_string_value(only), "verify") == 0)
        return NULL;
    return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "key_ops",
                          "must be [\"verify\"], or be left out: a public key registered here "
                          "does nothing else");
}

/* `EdDSA` is the algorithm of both Edwards curves; the others belong to one kind each. */
static whk_algorithms_t algorithms_of_name(const whk_jwk_kind_t *kind, const char *name)
{
    if (strcmp(name, "EdDSA") == 0)
        return kind->algorithms & (WHK_ALG_EDDSA | WHK_ALG_ED448);
    return kind->algorithms & whk_algorithm_by_name(name);
}

static const whk_outcome_t *read_alg(whk_jwk_reading_t *reading)
{
    const whk_jwk_kind_t *kind = reading->kind;
    const json_t *alg = json_object_get(reading->json, "alg");
    whk_algorithms_t algorithms = kind->algorithms;

    if (alg) {
        algorithms = json_is_string(alg) ? algorithms_of_name(kind, json_string_value(alg)) : 0;
        reading->alg = json_string_value(alg);
    }
    if (!algorithms)
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "alg",
                              "must fit a key of %s (%s), or be left out%s", kind->name,
                              whk_algorithms_names(reading->pool, kind->algorithms),
                              whk_jwk_name_seen(reading, alg));
    if (!(algorithms & reading->enabled))
        return whk_jwk_refuse(
            reading, WHK_UNSUPPORTED_KEY, "alg",
            "must be an algorithm that is accepted here (%s), or be left out%s",
            whk_algorithms_names(reading->pool, kind->algorithms & reading->enabled),
            whk_jwk_name_seen(reading, alg));
    reading->jwk->algorithms = algorithms;
    return NULL;
}

static const whk_outcome_t *read_kid(whk_jwk_reading_t *reading)
{
    const json_t *kid = json_object_get(reading->json, "kid");
    const char *flaw;

    if (!kid)
        return NULL;
    if (!json_is_string(kid))
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "kid", "must be a string");
    flaw = whk_key_id_flaw(json_string_value(kid), json_string_length(kid));
    if (flaw)
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, "kid", "must %s", flaw);
    reading->jwk->kid =
        apr_pstrmemdup(reading->pool, json_string_value(kid), json_string_length(kid));
    return NULL;
}

const whk_outcome_t *whk_jwk_read_purpose(whk_jwk_reading_t *reading)
{
    WHK_TRY(check_use(reading));
    WHK_TRY(check_key_ops(reading));
    WHK_TRY(read_alg(reading));
    return read_kid(reading);
}
