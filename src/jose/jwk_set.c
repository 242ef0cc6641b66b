/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk_set.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/jwk_parse.h"
#include "model/name.h"

static const whk_outcome_t *read_keys(const json_t **keys, const json_t *set, const char *place,
                                      apr_pool_t *pool)
{
    *keys = json_object_get(set, "keys");
    if (!json_is_object(set))
        return whk_refuse(pool, WHK_INVALID_JWKS,
                          "%s must be a JWK Set: an object with keys, an array of JWKs", place);
    if (!*keys)
        return whk_refuse(pool, WHK_INVALID_JWKS,
                          "%s.keys is missing: a JWK Set has an array of JWKs there", place);
    if (!json_is_array(*keys))
        return whk_refuse(pool, WHK_INVALID_JWKS, "%s.keys must be an array of JWKs", place);
    return NULL;
}

const whk_outcome_t *whk_jwk_set_only(const whk_jwk_t **jwk, const json_t *set, const char *place,
                                      whk_algorithms_t enabled, apr_pool_t *pool)
{
    const json_t *keys;

    WHK_TRY(read_keys(&keys, set, place, pool));
    if (json_array_size(keys) != 1)
        return whk_refuse(pool, WHK_INVALID_JWKS,
                          "%s.keys must hold exactly one JWK, and holds %" APR_SIZE_T_FMT, place,
                          json_array_size(keys));
    return whk_jwk_parse(jwk, json_array_get(keys, 0), apr_pstrcat(pool, place, ".keys[0]", NULL),
                         enabled, pool);
}

static const char *const remote = "(jwksUri)";

static const whk_outcome_t *read_few_keys(const json_t **keys, const json_t *set, apr_pool_t *pool)
{
    WHK_TRY(read_keys(keys, set, remote, pool));
    return json_array_size(*keys) <= WHK_JWK_SET_MAX
               ? NULL
               : whk_refuse(pool, WHK_INVALID_JWKS, "%s.keys must hold at most %d JWKs", remote,
                            WHK_JWK_SET_MAX);
}

static int has_kid(const json_t *json, const char *kid)
{
    const json_t *value = json_object_get(json, "kid");

    return json_is_string(value) && strcmp(json_string_value(value), kid) == 0;
}

/* NULL: the member has none that could be a keyId. */
static const char *kid_of(const json_t *member)
{
    const json_t *value = json_object_get(member, "kid");

    return json_is_string(value) &&
                   !whk_key_id_flaw(json_string_value(value), json_string_length(value))
               ? json_string_value(value)
               : NULL;
}

static int count_kid(const json_t *keys, const char *kid)
{
    int count = 0;
    apr_size_t i;

    for (i = 0; i < json_array_size(keys); i++)
        count += has_kid(json_array_get(keys, i), kid);
    return count;
}

const whk_outcome_t *whk_jwk_set_kids(const json_t *set, apr_array_header_t **kids, int *all,
                                      apr_pool_t *pool)
{
    const json_t *keys;
    const char *kid;
    apr_size_t i;

    *kids = apr_array_make(pool, 8, sizeof(const char *));
    WHK_TRY(read_few_keys(&keys, set, pool));
    for (i = 0; i < json_array_size(keys); i++) {
        kid = kid_of(json_array_get(keys, i));
        if (kid && count_kid(keys, kid) == 1)
            APR_ARRAY_PUSH(*kids, const char *) = apr_pstrdup(pool, kid);
    }
    *all = (apr_size_t)(*kids)->nelts == json_array_size(keys);
    return NULL;
}

const whk_outcome_t *whk_jwk_set_find(const whk_jwk_t **jwk, const json_t *set, const char *kid,
                                      whk_algorithms_t enabled, apr_pool_t *pool)
{
    return whk_jwk_set_find_known(jwk, set, kid, NULL, enabled, pool);
}

const whk_outcome_t *whk_jwk_set_find_known(const whk_jwk_t **jwk, const json_t *set,
                                            const char *kid, const char *thumbprint,
                                            whk_algorithms_t enabled, apr_pool_t *pool)
{
    const json_t *keys;
    apr_size_t count = 0;
    apr_size_t found = 0;
    apr_size_t i;

    WHK_TRY(read_few_keys(&keys, set, pool));
    for (i = 0; i < json_array_size(keys); i++) {
        if (!has_kid(json_array_get(keys, i), kid))
            continue;
        found = i;
        count++;
    }
    if (count != 1)
        return whk_refuse(pool, WHK_JWKS_URI_NO_SUCH_KEY,
                          "%s.keys must hold exactly one JWK whose kid is the keyId, and holds %s",
                          remote, count == 0 ? "none" : "several");
    return whk_jwk_parse_fetched(jwk, json_array_get(keys, found),
                                 apr_psprintf(pool, "%s.keys[%" APR_SIZE_T_FMT "]", remote, found),
                                 thumbprint, enabled, pool);
}
