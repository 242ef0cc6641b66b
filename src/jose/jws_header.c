/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jws_header.h"

#include <string.h>

#include "jose/json.h"

static const whk_outcome_t *malformed(apr_pool_t *pool, const char *message)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS, "%s", message);
}

const whk_outcome_t *whk_jws_parse_object(const json_t **object, const whk_bytes_t *text,
                                          const char *what, apr_pool_t *pool)
{
    json_t *json;
    const whk_outcome_t *outcome = whk_json_parse(&json, text->bytes, text->length, what, pool);

    if (outcome && outcome->code == WHK_INVALID_JSON)
        return malformed(pool, outcome->message);
    if (outcome)
        return outcome;
    if (!json_is_object(json))
        return whk_refuse(pool, WHK_MALFORMED_JWS, "%s must be a JSON object", what);
    *object = json;
    return NULL;
}

/* A key that a signature brings along proves nothing: anybody can make a pair. */
static const whk_outcome_t *check_no_key(const json_t *header, apr_pool_t *pool)
{
    static const char *const names[] = {"jwk", "jku", "x5u", "x5c"};
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (json_object_get(header, names[i]))
            return whk_refuse(pool, WHK_MALFORMED_JWS,
                              "the JWS header must not bring a key along (%s): leave that out, and "
                              "name the registered key by kid",
                              names[i]);
    return NULL;
}

/* RFC 7515, section 4.1.11. With one extension that is understood, a crit of more than one element
 * holds another, or the same twice. */
static const whk_outcome_t *check_crit(const json_t *header, apr_pool_t *pool)
{
    const json_t *crit = json_object_get(header, "crit");
    const char *only;

    if (!crit)
        return NULL;
    only = json_array_size(crit) == 1 ? json_string_value(json_array_get(crit, 0)) : NULL;
    if (!only || strcmp(only, "b64") != 0)
        return malformed(pool, "crit of the JWS header must be [\"b64\"], or be left out: no other "
                               "extension is understood here");
    if (!json_object_get(header, "b64"))
        return malformed(pool, "crit of the JWS header lists b64, which the header lacks: add it, "
                               "or leave both out");
    return NULL;
}

/* RFC 7797, sections 3 and 6: who does not know b64 must not verify, so it is listed in crit. */
static const whk_outcome_t *read_b64(whk_jws_t *jws, apr_pool_t *pool)
{
    const json_t *b64 = json_object_get(jws->header, "b64");

    jws->is_encoded = 1;
    if (!b64)
        return NULL;
    if (!json_is_boolean(b64))
        return malformed(pool, "b64 of the JWS header must be true or false");
    if (!json_object_get(jws->header, "crit"))
        return malformed(pool, "the JWS header has b64, so it needs crit too: [\"b64\"]");
    jws->is_encoded = json_is_true(b64);
    return NULL;
}

static const whk_outcome_t *check_strings(whk_jws_t *jws, apr_pool_t *pool)
{
    const json_t *kid = json_object_get(jws->header, "kid");

    jws->alg = json_string_value(json_object_get(jws->header, "alg"));
    if (!jws->alg)
        return malformed(pool, "the JWS header must have an alg, a string, as in {\"alg\":"
                               "\"ES256\",\"kid\":\"my-key\"}");
    if (kid && !json_is_string(kid))
        return malformed(pool, "kid of the JWS header must be a string: the keyId");
    return NULL;
}

/* A media type, whose `application/` may be left out, and which has no case. */
static whk_jws_type_t type_of(const char *typ)
{
    static const char prefix[] = "application/";
    static const char suffix[] = "+jwt";
    apr_size_t length;

    if (strncasecmp(typ, prefix, sizeof(prefix) - 1) == 0)
        typ += sizeof(prefix) - 1;
    length = strcspn(typ, "; \t");
    if (length == 3 && strncasecmp(typ, "JWT", 3) == 0)
        return WHK_JWS_TYPE_JWT;
    if (length >= 4 && strncasecmp(typ + length - 4, suffix, 4) == 0)
        return WHK_JWS_TYPE_JWT;
    return WHK_JWS_TYPE_OTHER;
}

static const whk_outcome_t *read_type(whk_jws_t *jws, apr_pool_t *pool)
{
    const json_t *typ = json_object_get(jws->header, "typ");

    if (typ && !json_is_string(typ))
        return malformed(pool, "typ of the JWS header must be a string, as JWT");
    jws->type = typ ? type_of(json_string_value(typ)) : WHK_JWS_TYPE_NONE;
    return NULL;
}

const whk_outcome_t *whk_jws_parse_header(whk_jws_t *jws, const whk_bytes_t *json, apr_pool_t *pool)
{
    WHK_TRY(whk_jws_parse_object(&jws->header, json, "the JWS header", pool));
    WHK_TRY(check_strings(jws, pool));
    WHK_TRY(read_type(jws, pool));
    WHK_TRY(check_no_key(jws->header, pool));
    WHK_TRY(check_crit(jws->header, pool));
    return read_b64(jws, pool);
}
