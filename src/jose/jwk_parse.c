/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>

#include "jose/base64url.h"
#include "jose/json.h"
#include "jose/jwk_reading.h"

static const whk_outcome_t *check_public(const whk_jwk_reading_t *reading)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    apr_size_t i;

    if (!json_is_object(reading->json))
        return whk_jwk_refuse(reading, WHK_INVALID_JWKS, NULL, "must be an object: a JWK");
    for (i = 0; i < sizeof(private_members) / sizeof(private_members[0]); i++)
        if (json_object_get(reading->json, private_members[i]))
            return whk_jwk_refuse(reading, WHK_PRIVATE_KEY_MATERIAL, private_members[i],
                                  "belongs to a private or secret key: treat that key as "
                                  "compromised, make a new one, and send its public members alone");
    return NULL;
}

/* RFC 7638, section 3. */
/* RFC 7638, section 3: `text` is the object of the required members, in their order. */
static const char *thumbprint_of(const char *text, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length;

    if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) != 1)
        return NULL;
    return whk_base64url_encode(pool, digest, length);
}

static const whk_outcome_t *take_thumbprint(whk_jwk_reading_t *reading)
{
    const char *text = apr_pstrcat(reading->scratch, "{", reading->members, "}", NULL);

    reading->jwk->thumbprint = thumbprint_of(text, reading->pool);
    return reading->jwk->thumbprint
               ? NULL
               : whk_fail(reading->pool, WHK_INTERNAL_ERROR, "OpenSSL can't compute SHA-256");
}

static const char *public_json(const whk_jwk_reading_t *reading)
{
    if (!reading->alg)
        return apr_pstrcat(reading->pool, "{", reading->members, "}", NULL);
    return apr_pstrcat(reading->pool, "{\"alg\":\"", reading->alg, "\",", reading->members, "}",
                       NULL);
}

static const whk_outcome_t *read_jwk(whk_jwk_reading_t *reading)
{
    WHK_TRY(check_public(reading));
    WHK_TRY(whk_jwk_find_kind(reading));
    reading->jwk->family = reading->kind->family;
    WHK_TRY(whk_jwk_read_purpose(reading));
    WHK_TRY(reading->kind->read(reading));
    WHK_TRY(whk_jwk_check_certificates(reading));
    WHK_TRY(take_thumbprint(reading));
    reading->jwk->public_json = public_json(reading);
    return NULL;
}

static apr_status_t release_kept(void *data)
{
    const whk_jwk_t *jwk = data;
    whk_jwk_kept_t *kept = atomic_load(jwk->kept);

    while (kept) {
        whk_jwk_kept_t *next = kept->next;

        kept->release(kept);
        kept = next;
    }
    return APR_SUCCESS;
}

static whk_jwk_t *make_jwk(apr_pool_t *pool)
{
    whk_jwk_t *jwk = apr_pcalloc(pool, sizeof(*jwk));

    jwk->kept = apr_palloc(pool, sizeof(*jwk->kept));
    atomic_init(jwk->kept, NULL);
    apr_pool_cleanup_register(pool, jwk, release_kept, apr_pool_cleanup_null);
    return jwk;
}

static const whk_outcome_t *run(whk_jwk_reading_t *reading, const whk_jwk_t **jwk)
{
    const whk_outcome_t *outcome;

    apr_pool_create(&reading->scratch, reading->pool);
    reading->jwk = make_jwk(reading->pool);
    ERR_set_mark();
    outcome = read_jwk(reading);
    ERR_pop_to_mark();
    apr_pool_destroy(reading->scratch);
    if (!outcome)
        *jwk = reading->jwk;
    return outcome;
}

const whk_outcome_t *whk_jwk_parse(const whk_jwk_t **jwk, const json_t *json, const char *place,
                                   whk_algorithms_t enabled, apr_pool_t *pool)
{
    whk_jwk_reading_t reading = {
        .json = json, .place = place, .enabled = enabled, .echo = 1, .pool = pool};

    return run(&reading, jwk);
}

const whk_outcome_t *whk_jwk_parse_quietly(const whk_jwk_t **jwk, const json_t *json,
                                           const char *place, const char *known,
                                           whk_algorithms_t enabled, apr_pool_t *pool)
{
    whk_jwk_reading_t reading = {.json = json, .place = place, .enabled = enabled, .pool = pool};
    whk_jwk_reading_t again = reading;
    const whk_jwk_t *read;

    again.trusted = 1;
    if (known && !run(&again, &read) && strcmp(read->thumbprint, known) == 0) {
        *jwk = read;
        return NULL;
    }
    return run(&reading, jwk);
}

static const whk_jwk_t *load(const char *public_json_text, apr_pool_t *pool, apr_pool_t *scratch)
{
    whk_jwk_reading_t reading = {.place = "jwk", .enabled = ~0u, .trusted = 1, .pool = pool};
    const whk_jwk_t *jwk;
    json_t *json;

    if (whk_json_parse(&json, public_json_text, strlen(public_json_text), "jwk", scratch))
        return NULL;
    reading.json = json;
    if (run(&reading, &jwk) || strcmp(jwk->public_json, public_json_text) != 0)
        return NULL;
    return jwk;
}

const whk_jwk_t *whk_jwk_load(const char *public_json_text, apr_pool_t *pool)
{
    const whk_jwk_t *jwk;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    jwk = load(public_json_text, pool, scratch);
    apr_pool_destroy(scratch);
    return jwk;
}

/* What public_json() wrote, but for `alg`, is what the thumbprint is of. */
const char *whk_jwk_stored_thumbprint(const char *public_json_text, apr_pool_t *pool)
{
    static const char alg[] = "{\"alg\":\"";
    const char *end = strncmp(public_json_text, alg, strlen(alg))
                          ? NULL
                          : strstr(public_json_text + strlen(alg), "\",");

    if (end)
        public_json_text = apr_pstrcat(pool, "{", end + 2, NULL);
    return thumbprint_of(public_json_text, pool);
}
