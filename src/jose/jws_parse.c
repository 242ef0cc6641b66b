/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jws.h"

#include <string.h>

#include "jose/base64url.h"
#include "jose/jws_algorithm.h"
#include "jose/jws_header.h"
#include "jose/signature.h"

/* Bytes of a payload that are encoded at a time; whole groups of three. */
#define CHUNK 3072

/* The three parts of a compact JWS. */
typedef struct {
    whk_bytes_t header;
    whk_bytes_t payload;
    whk_bytes_t signature;
} parts_t;

static const whk_outcome_t *malformed(apr_pool_t *pool, const char *message)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS, "%s", message);
}

static int dots_of(const char *text, apr_size_t length)
{
    const char *end = text + length;
    int dots = 0;

    while ((text = memchr(text, '.', (size_t)(end - text))) != NULL) {
        dots++;
        text++;
    }
    return dots;
}

static const whk_outcome_t *check_form(const char *text, apr_size_t length, apr_pool_t *pool)
{
    int dots = dots_of(text, length);

    if (length && *text == '{')
        return malformed(pool, "this is a JWS in JSON form: send it in compact form, "
                               "<header>.<payload>.<signature>");
    if (dots == 2)
        return NULL;
    if (dots == 4)
        return malformed(pool, "this is an encrypted token, a JWE: send a signed one, a JWS");
    return malformed(pool, "a compact JWS has two dots: <header>.<payload>.<signature>, or "
                           "<header>..<signature> where its payload is detached");
}

static const whk_outcome_t *split(parts_t *parts, const char *text, apr_size_t length,
                                  apr_pool_t *pool)
{
    const char *first;
    const char *second;

    WHK_TRY(check_form(text, length, pool));
    first = memchr(text, '.', length);
    second = memchr(first + 1, '.', (size_t)(text + length - first - 1));
    parts->header = (whk_bytes_t){text, (apr_size_t)(first - text)};
    parts->payload = (whk_bytes_t){first + 1, (apr_size_t)(second - first - 1)};
    parts->signature = (whk_bytes_t){second + 1, (apr_size_t)(text + length - second - 1)};
    return NULL;
}

/* What stops a text from being base64url, in the order in which people meet it. */
static const char *flaw_of(const whk_bytes_t *part)
{
    static const char white[] = {' ', '\t', '\r', '\n'};
    const char *text = part->bytes;
    apr_size_t i;

    for (i = 0; i < part->length; i++) {
        if (text[i] == '=')
            return "it is padded with =";
        if (text[i] == '+' || text[i] == '/')
            return "it holds + or /, which are - and _ there";
        if (memchr(white, text[i], sizeof(white)))
            return "it holds white space";
    }
    return "it is cut off, holds another character, or has unused bits that are not zero";
}

static const whk_outcome_t *decode(whk_bytes_t *bytes, const whk_bytes_t *part, const char *name,
                                   apr_pool_t *pool)
{
    unsigned char *decoded;

    if (!whk_base64url_decode(pool, part->bytes, part->length, &decoded, &bytes->length))
        return whk_refuse(pool, WHK_MALFORMED_JWS, "the JWS %s must be base64url: %s", name,
                          flaw_of(part));
    bytes->bytes = decoded;
    return NULL;
}

static const whk_outcome_t *read_header(whk_jws_t *jws, const parts_t *parts, apr_pool_t *pool)
{
    whk_bytes_t json;

    if (parts->header.length > whk_base64url_length(WHK_JWS_HEADER_MAX))
        return whk_refuse(pool, WHK_MALFORMED_JWS, "the JWS header must be at most %d bytes long",
                          WHK_JWS_HEADER_MAX);
    WHK_TRY(decode(&json, &parts->header, "header", pool));
    jws->header_text = json;
    return whk_jws_parse_header(jws, &json, pool);
}

static const whk_outcome_t *take_detached(whk_jws_t *jws, const parts_t *parts,
                                          const whk_bytes_t *detached, apr_pool_t *pool)
{
    if (parts->payload.length)
        return malformed(pool, "the JWS must leave its payload out, <header>..<signature>, since "
                               "that is sent apart from it");
    jws->is_detached = 1;
    jws->payload = *detached;
    jws->signing_input = parts->header;
    return NULL;
}

static const whk_outcome_t *take_attached(whk_jws_t *jws, const parts_t *parts, apr_pool_t *pool)
{
    if (!jws->is_encoded)
        return malformed(pool, "a payload that is not encoded (b64 false) must be detached: "
                               "<header>..<signature>");
    if (!parts->payload.length)
        return malformed(pool, "the JWS has no payload: send it whole, "
                               "<header>.<payload>.<signature>, or the payload of a detached one "
                               "beside it");
    jws->signing_input.bytes = parts->header.bytes;
    jws->signing_input.length = parts->header.length + 1 + parts->payload.length;
    return decode(&jws->payload, &parts->payload, "payload", pool);
}

/* An empty signature under `none` gets its refusal from the key, which knows what would be right.
 */
static const whk_outcome_t *read_signature(whk_jws_t *jws, const parts_t *parts, apr_pool_t *pool)
{
    if (!parts->signature.length && strcmp(jws->alg, "none") != 0)
        return malformed(pool, "the JWS has no signature after its second dot");
    return decode(&jws->signature, &parts->signature, "signature", pool);
}

const whk_outcome_t *whk_jws_parse(whk_jws_t **jws, const char *text, apr_size_t length,
                                   const whk_bytes_t *detached, apr_pool_t *pool)
{
    whk_jws_t *read = apr_pcalloc(pool, sizeof(*read));
    parts_t parts;

    WHK_TRY(split(&parts, text, length, pool));
    WHK_TRY(read_header(read, &parts, pool));
    if (detached)
        WHK_TRY(take_detached(read, &parts, detached, pool));
    else
        WHK_TRY(take_attached(read, &parts, pool));
    WHK_TRY(read_signature(read, &parts, pool));
    *jws = read;
    return NULL;
}

/* A copy in base64url of a body of a mebibyte would cost more than its hash. */
static void update_encoded(whk_signature_verifier_t *verifier, const whk_bytes_t *payload)
{
    const unsigned char *bytes = payload->bytes;
    apr_size_t left = payload->length;
    char text[CHUNK / 3 * 4];

    while (left) {
        apr_size_t size = left < CHUNK ? left : CHUNK;

        whk_signature_verify_update(verifier, text, whk_base64url_put(text, bytes, size));
        bytes += size;
        left -= size;
    }
}

static int is_signed_detached(const whk_jws_t *jws, const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                              apr_pool_t *pool)
{
    const whk_bytes_t *payload = &jws->payload;
    apr_size_t length = jws->is_encoded ? whk_base64url_length(payload->length) : payload->length;
    whk_signature_verifier_t *verifier =
        whk_signature_verify_init(jwk, algorithm, jws->signing_input.length + 1 + length, pool);

    whk_signature_verify_update(verifier, jws->signing_input.bytes, jws->signing_input.length);
    whk_signature_verify_update(verifier, ".", 1);
    if (jws->is_encoded)
        update_encoded(verifier, payload);
    else
        whk_signature_verify_update(verifier, payload->bytes, payload->length);
    return whk_signature_verify_final(verifier, jws->signature.bytes, jws->signature.length);
}

static int is_signed(const whk_jws_t *jws, const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                     apr_pool_t *pool)
{
    if (jws->is_detached)
        return is_signed_detached(jws, jwk, algorithm, pool);
    return whk_signature_verify(jwk, algorithm, &jws->signing_input, 1, jws->signature.bytes,
                                jws->signature.length, pool);
}

static const whk_outcome_t *bad_signature(const whk_jws_t *jws, const whk_jwk_t *jwk,
                                          whk_algorithm_t algorithm, apr_pool_t *pool)
{
    const char *wrong = whk_signature_wrong_length(jwk, algorithm, jws->signature.length, pool);

    if (wrong)
        return whk_refuse(pool, WHK_BAD_SIGNATURE, "%s", wrong);
    if (!jws->is_detached)
        return whk_refuse(pool, WHK_BAD_SIGNATURE,
                          "the signature does not fit this key and this JWS: sign with the private "
                          "key of this keyId, and send unchanged what came out");
    return whk_refuse(pool, WHK_BAD_SIGNATURE,
                      "the signature does not fit this key, the JWS header and the payload: sign "
                      "with the private key of this keyId, <header>.<payload>, the payload being "
                      "the very bytes that are sent, %s",
                      jws->is_encoded ? "in base64url" : "as they are (b64 is false)");
}

const whk_outcome_t *whk_jws_verify(const whk_jws_t *jws, const whk_jwk_t *jwk,
                                    whk_algorithms_t enabled, const char **algorithm,
                                    apr_pool_t *pool)
{
    const char *flaw;
    whk_algorithm_t own = whk_jws_algorithm(jwk, jws->alg, enabled, &flaw, pool);

    if (!own)
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH, "%s", flaw);
    if (!is_signed(jws, jwk, own, pool))
        return bad_signature(jws, jwk, own, pool);
    *algorithm = whk_algorithms_names(pool, own);
    return NULL;
}
