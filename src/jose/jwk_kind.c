/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "jose/jwk_reading.h"

static const whk_jwk_kind_t kinds[] = {
    {"OKP", "Ed25519", "Ed25519", "EdDSA", WHK_ALG_EDDSA, 32, whk_jwk_read_okp},
    {"OKP", "Ed448", "Ed448", "EdDSA", WHK_ALG_ED448, 57, whk_jwk_read_okp},
    {"EC", "P-256", "P-256", "ECDSA", WHK_ALG_ES256, 32, whk_jwk_read_ec},
    {"EC", "P-384", "P-384", "ECDSA", WHK_ALG_ES384, 48, whk_jwk_read_ec},
    {"EC", "P-521", "P-521", "ECDSA", WHK_ALG_ES512, 66, whk_jwk_read_ec},
    {"EC", "secp256k1", "secp256k1", "ECDSA", WHK_ALG_ES256K, 32, whk_jwk_read_ec},
    {"RSA", NULL, "RSA", "RSA", WHK_ALGORITHMS_RSA, 0, whk_jwk_read_rsa},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* `OKP Ed25519, EC P-256, …`: those that are turned on. */
static const char *accepted_kinds(const whk_jwk_reading_t *reading)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < KIND_COUNT; i++)
        if (kinds[i].algorithms & reading->enabled)
            names = apr_pstrcat(reading->pool, names, *names ? ", " : "", kinds[i].kty,
                                kinds[i].crv ? " " : "", kinds[i].crv ? kinds[i].crv : "", NULL);
    return names;
}

static const whk_outcome_t *unsupported(const whk_jwk_reading_t *reading, const char *member)
{
    return whk_jwk_refuse(reading, WHK_UNSUPPORTED_KEY, member,
                          "must be that of a key that is accepted here (%s)%s",
                          accepted_kinds(reading),
                          whk_jwk_name_seen(reading, json_object_get(reading->json, member)));
}

static const whk_outcome_t *read_name(const whk_jwk_reading_t *reading, const char *member,
                                      const char **name)
{
    const json_t *value = json_object_get(reading->json, member);

    if (!value)
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, member,
                              "is missing: an accepted key is one of %s", accepted_kinds(reading));
    if (!json_is_string(value))
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, member, "must be a string");
    *name = json_string_value(value);
    return NULL;
}

static const whk_jwk_kind_t *kind_of_kty(const char *kty)
{
    apr_size_t i;

    for (i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].kty, kty) == 0)
            return &kinds[i];
    return NULL;
}

static const whk_jwk_kind_t *kind_of_curve(const char *kty, const char *crv)
{
    apr_size_t i;

    for (i = 0; i < KIND_COUNT; i++)
        if (kinds[i].crv && strcmp(kinds[i].kty, kty) == 0 && strcmp(kinds[i].crv, crv) == 0)
            return &kinds[i];
    return NULL;
}

const whk_outcome_t *whk_jwk_find_kind(whk_jwk_reading_t *reading)
{
    const char *member = "kty";
    const char *kty = NULL;
    const char *crv = NULL;
    const whk_jwk_kind_t *kind;

    WHK_TRY(read_name(reading, "kty", &kty));
    kind = kind_of_kty(kty);
    if (kind && kind->crv) {
        member = "crv";
        WHK_TRY(read_name(reading, "crv", &crv));
        kind = kind_of_curve(kty, crv);
    }
    if (!kind || !(kind->algorithms & reading->enabled))
        return unsupported(reading, member);
    reading->kind = kind;
    return NULL;
}
