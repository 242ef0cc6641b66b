/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/import_record.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "jose/json.h"
#include "jose/jwk_set.h"
#include "jose/public_key_text.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/revokes_date.h"

/* Whatever the module knows: which of them verify, a location says. */
#define ALGORITHMS ((whk_algorithms_t)~0u)

#define URI_MOST 2048

/* What an export tells beside, and nobody can say of a key that is registered now. */
static const char *const told[] = {"id",        "algorithm",    "thumbprint",  "createdDate",
                                   "createdBy", "lastUsedDate", "revokedDate", "revokedBy"};

static const char *const known[] = {"enterprise", "keyId",  "keyName",     "key",       "jwks",
                                    "jwksUri",    "status", "revokesDate", "followedBy"};

static int is_among(const char *name, const char *const *names, apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return 1;
    return 0;
}

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof((names)[0]))

static const whk_outcome_t *check_members(const json_t *record, apr_pool_t *pool)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)record, name, value)
    {
        if (!IS_AMONG(name, known) && !IS_AMONG(name, told))
            return whk_refuse(pool, WHK_INVALID_REQUEST,
                              "there is a member or column \"%s\", which none of a key is called: "
                              "enterprise, keyId, keyName, key, jwks, jwksUri, status, revokesDate",
                              name);
    }
    return NULL;
}

/* ---- texts ---- */

static const whk_outcome_t *read_string(const json_t *record, const char *name, const char **value,
                                        apr_pool_t *pool)
{
    const json_t *member = json_object_get(record, name);

    *value = NULL;
    if (!member || json_is_null(member))
        return NULL;
    if (!json_is_string(member) || strlen(json_string_value(member)) != json_string_length(member))
        return whk_refuse(pool, WHK_INVALID_REQUEST, "%s must be a string", name);
    *value = apr_pstrdup(pool, json_string_value(member));
    return NULL;
}

static const whk_outcome_t *read_name(const json_t *record, const char *name, const char *fallback,
                                      const char *(*flaw_of)(const char *, apr_size_t),
                                      const char **value, apr_pool_t *pool)
{
    const char *flaw;

    WHK_TRY(read_string(record, name, value, pool));
    if (!*value)
        *value = fallback;
    flaw = *value ? flaw_of(*value, strlen(*value)) : NULL;
    return flaw ? whk_refuse(pool, WHK_INVALID_REQUEST, "%s must %s", name, flaw) : NULL;
}

static const whk_outcome_t *read_status(const json_t *record, int *is_revoked, apr_pool_t *pool)
{
    const char *status;

    WHK_TRY(read_string(record, "status", &status, pool));
    *is_revoked = status && !strcasecmp(status, whk_key_status_name(WHK_KEY_STATUS_REVOKED));
    if (status && !*is_revoked && strcasecmp(status, whk_key_status_name(WHK_KEY_STATUS_ACTIVE)))
        return whk_refuse(pool, WHK_INVALID_REQUEST, "status must be ACTIVE or REVOKED");
    return NULL;
}

/* One that has come made the key what it would have made it here. */
static const whk_outcome_t *read_revokes(const json_t *record, whk_key_import_t *import,
                                         apr_pool_t *pool)
{
    const char *text;
    apr_time_t when;

    WHK_TRY(read_string(record, "revokesDate", &text, pool));
    if (!text || import->is_revoked)
        return NULL;
    if (whk_time_parse(text, &when) && when <= whk_time_now()) {
        import->is_revoked = 1;
        return NULL;
    }
    return whk_revokes_date_read("revokesDate", text, &import->revokes, pool);
}

/* Whoever says when a key was revoked, and not that it is, left something out. */
static const whk_outcome_t *check_revoked(const json_t *record, const whk_key_import_t *import,
                                          apr_pool_t *pool)
{
    static const char *const names[] = {"revokedDate", "revokedBy"};
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]) && !import->is_revoked; i++) {
        const json_t *member = json_object_get(record, names[i]);

        if (member && !json_is_null(member))
            return whk_refuse(pool, WHK_INVALID_REQUEST,
                              "there is a %s, but status is not REVOKED: say which it is",
                              names[i]);
    }
    return NULL;
}

/* The rest is looked at when it is fetched. */
static const whk_outcome_t *read_uri(const json_t *record, whk_key_import_t *import,
                                     apr_pool_t *pool)
{
    const char *c;

    WHK_TRY(read_string(record, "jwksUri", &import->jwks_uri, pool));
    if (!import->jwks_uri)
        return NULL;
    for (c = import->jwks_uri; *c > ' ' && *c < 0x7f; c++)
        ;
    return *c || strncmp(import->jwks_uri, "https://", 8) != 0 ||
                   strlen(import->jwks_uri) > URI_MOST
               ? whk_refuse(pool, WHK_INVALID_JWKS_URI,
                            "jwksUri must be an https URI of at most %d ASCII characters", URI_MOST)
               : NULL;
}

/* ---- the key ---- */

static const whk_outcome_t *parse_set_or_jwk(const json_t *json, const char *place,
                                             const whk_jwk_t **jwk, apr_pool_t *pool)
{
    return json_object_get(json, "keys") ? whk_jwk_set_only(jwk, json, place, ALGORITHMS, pool)
                                         : whk_jwk_parse(jwk, json, place, ALGORITHMS, pool);
}

/* A JWK as text, as in a column; PEM; `whpk_`. */
static const whk_outcome_t *parse_text(const json_t *text, const whk_jwk_t **jwk, apr_pool_t *pool)
{
    const char *bytes = json_string_value(text);
    apr_size_t length = json_string_length(text);
    json_t *json;

    while (length && strchr(" \t\r\n", *bytes)) {
        bytes++;
        length--;
    }
    if (length && *bytes == '{')
        WHK_TRY(whk_json_parse(&json, bytes, length, "key", pool));
    else
        WHK_TRY(whk_public_key_text_read(&json, bytes, length, pool));
    return parse_set_or_jwk(json, "key", jwk, pool);
}

static const whk_outcome_t *read_key(const json_t *record, const whk_jwk_t **jwk, apr_pool_t *pool)
{
    const json_t *key = json_object_get(record, "key");
    const json_t *jwks = json_object_get(record, "jwks");

    if (json_is_null(key))
        key = NULL;
    if (json_is_null(jwks))
        jwks = NULL;
    if (key && jwks)
        return whk_refuse(pool, WHK_INVALID_REQUEST, "give key or jwks, not both");
    if (jwks && json_is_string(jwks))
        return parse_text(jwks, jwk, pool);
    if (jwks)
        return whk_jwk_set_only(jwk, jwks, "jwks", ALGORITHMS, pool);
    if (key && json_is_string(key))
        return parse_text(key, jwk, pool);
    return key ? parse_set_or_jwk(key, "key", jwk, pool) : NULL;
}

/* The keyId is the JWK's kid, the record's, or both where they agree. */
static const whk_outcome_t *resolve_key_id(whk_key_import_t *import, const char *fallback,
                                           apr_pool_t *pool)
{
    const char *kid = import->jwk ? import->jwk->kid : NULL;
    const char *flaw;

    if (import->key_id && kid && strcmp(import->key_id, kid) != 0)
        return whk_refuse(pool, WHK_KEY_ID_MISMATCH,
                          "keyId and the key's kid differ: make them equal, or leave one out");
    if (!import->key_id)
        import->key_id = kid ? kid : fallback;
    if (!import->key_id)
        return whk_refuse(pool, WHK_KEY_ID_REQUIRED,
                          "the key has no name: give keyId, a kid in its JWK, or --key-id");
    flaw = whk_key_id_flaw(import->key_id, strlen(import->key_id));
    return flaw ? whk_refuse(pool, WHK_INVALID_REQUEST, "keyId must %s", flaw) : NULL;
}

static const whk_outcome_t *check_kind(const whk_key_import_t *import, apr_pool_t *pool)
{
    int names_set = whk_key_id_is_set(import->key_id);

    if (!strcmp(import->key_id, "*:"))
        return whk_refuse(pool, WHK_INVALID_REQUEST, "keyId must be * or *: and a name");
    if (import->is_revoked)
        return NULL;
    if (names_set && import->jwk)
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "keyId must be another one: * is what a set that is followed is called");
    if (!import->jwk && !import->jwks_uri)
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "the key is missing: give key or jwks, or status REVOKED where the keyId "
                          "alone is known, and used up");
    if (!import->jwk && !names_set)
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "the key is missing: whkctl fetches nothing, so give key or jwks beside "
                          "jwksUri, or register it by the API");
    return NULL;
}

const whk_outcome_t *whk_import_record_read(whk_key_import_t *import, int *is_followed,
                                            const json_t *record,
                                            const whk_import_defaults_t *defaults, apr_pool_t *pool)
{
    const char *enterprise;
    const char *followed_by;

    memset(import, 0, sizeof(*import));
    *is_followed = 0;
    WHK_TRY(check_members(record, pool));
    WHK_TRY(read_name(record, "enterprise", defaults->enterprise, whk_enterprise_id_flaw,
                      &enterprise, pool));
    if (!enterprise)
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "enterprise is missing: give it in the file, or by --enterprise");
    import->caller = whk_caller_import(pool, defaults->operator_name, enterprise, defaults->run);
    WHK_TRY(read_name(record, "keyId", NULL, whk_key_id_flaw, &import->key_id, pool));
    WHK_TRY(read_name(record, "keyName", NULL, whk_name_flaw, &import->key_name, pool));
    WHK_TRY(read_status(record, &import->is_revoked, pool));
    WHK_TRY(read_revokes(record, import, pool));
    WHK_TRY(check_revoked(record, import, pool));
    WHK_TRY(read_uri(record, import, pool));
    WHK_TRY(read_key(record, &import->jwk, pool));
    WHK_TRY(resolve_key_id(import, defaults->key_id, pool));
    WHK_TRY(read_string(record, "followedBy", &followed_by, pool));
    *is_followed = followed_by && !import->is_revoked;
    return *is_followed ? NULL : check_kind(import, pool);
}
