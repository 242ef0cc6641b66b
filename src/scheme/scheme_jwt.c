/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "http_signature/field_value.h"
#include "jose/base64url.h"
#include "jose/json.h"
#include "model/log_number.h"
#include "scheme/claims.h"
#include "scheme/jws_message.h"
#include "scheme/scheme.h"

#define DIGEST_LENGTH 32
#define CLAIMS_PLACE "the payload of the JWT"

typedef struct {
    whk_jws_t *jws;
    const char *claim; /* the name of the one that holds the body's digest */
    const char *body;  /* borrowed */
    apr_size_t length;
} token_t;

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

static int decode_hex(unsigned char digest[DIGEST_LENGTH], const char *text)
{
    apr_size_t i;

    for (i = 0; i < DIGEST_LENGTH; i++) {
        if (!apr_isxdigit(text[2 * i]) || !apr_isxdigit(text[2 * i + 1]))
            return 0;
        digest[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    }
    return 1;
}

/* SHA-256 as 64 hexadecimal digits or 43 characters of base64url: their lengths tell them apart. */
static int decode_digest(unsigned char digest[DIGEST_LENGTH], const json_t *value, apr_pool_t *pool)
{
    const char *text = json_string_value(value);
    apr_size_t length = json_string_length(value);
    unsigned char *bytes;

    if (text && length == 2 * (apr_size_t)DIGEST_LENGTH)
        return decode_hex(digest, text);
    if (!text || length != whk_base64url_length(DIGEST_LENGTH) ||
        !whk_base64url_decode(pool, text, length, &bytes, &length))
        return 0;
    memcpy(digest, bytes, DIGEST_LENGTH);
    return 1;
}

static const whk_outcome_t *check_body(const token_t *token, const json_t *claims, apr_pool_t *pool)
{
    const json_t *value = json_object_get(claims, token->claim);
    unsigned char claimed[DIGEST_LENGTH];
    unsigned char actual[EVP_MAX_MD_SIZE];

    if (!value)
        return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                          "the JWT lacks the claim %s, which must hold the SHA-256 of the body",
                          token->claim);
    if (!decode_digest(claimed, value, pool))
        return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                          "the claim %s must be the SHA-256 of the body as 64 hexadecimal digits, "
                          "or as 43 characters of base64url without padding",
                          token->claim);
    if (EVP_Digest(token->body, token->length, actual, NULL, EVP_sha256(), NULL) != 1)
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0354) "OpenSSL can't compute SHA-256");
    if (CRYPTO_memcmp(claimed, actual, DIGEST_LENGTH) != 0)
        return whk_refuse(pool, WHK_DIGEST_MISMATCH,
                          "the claim %s is not the SHA-256 of the body that arrived: hash the very "
                          "bytes that are sent",
                          token->claim);
    return NULL;
}

static const whk_outcome_t *verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const token_t *token = message->state;
    const json_t *claims;
    const char *name;

    WHK_TRY(whk_jws_verify(token->jws, jwk, enabled, &name, pool));
    WHK_TRY(whk_jws_message_read_claims(&claims, token->jws, CLAIMS_PLACE, pool));
    WHK_TRY(whk_claims_read(message, claims, CLAIMS_PLACE, 1, pool));
    WHK_TRY(check_body(token, claims, pool));
    whk_jws_message_add_replay_id(message, token->jws, pool);
    *algorithm = name;
    return NULL;
}

static const whk_scheme_verifier_t verifier = {verify, NULL};

static const char *claim_of(const whk_scheme_policy_t *policy)
{
    return policy->body_hash_claim ? policy->body_hash_claim : WHK_BODY_HASH_CLAIM;
}

static const whk_outcome_t *read_token(token_t *token, const whk_message_t *message,
                                       const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    const char *value;

    WHK_TRY(whk_field_only(&value, message, policy->header, pool));
    if (strncasecmp(value, "Bearer ", strlen("Bearer ")) == 0)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "the header %s must hold the JWT alone, without Bearer", policy->header);
    WHK_TRY(whk_jws_parse(&token->jws, value, strlen(value), NULL, pool));
    /* RFC 8725, section 3.11; libraries leave it out. */
    if (token->jws->type == WHK_JWS_TYPE_OTHER)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "the typ of the JWS header must be JWT, or be left out");
    token->claim = claim_of(policy);
    token->body = message->body;
    token->length = message->length;
    return NULL;
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    token_t *token = apr_pcalloc(pool, sizeof(*token));
    whk_signed_message_t *read = whk_signed_message_create(policy, &verifier, token, pool);

    WHK_TRY(read_token(token, message, policy, pool));
    read->needs_time = 1;
    read->has_claims = 1;
    *parsed = read;
    return whk_jws_message_read_header(read, token->jws, pool);
}

static const char *hash_of(const whk_message_t *message, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * DIGEST_LENGTH];
    char *end = text;
    int i;

    if (EVP_Digest(message->body, message->length, digest, NULL, EVP_sha256(), NULL) != 1)
        return NULL;
    for (i = 0; i < DIGEST_LENGTH; i++) {
        *end++ = digits[digest[i] >> 4];
        *end++ = digits[digest[i] & 15];
    }
    return apr_pstrmemdup(pool, text, sizeof(text));
}

static const whk_outcome_t *sign(apr_table_t *fields, const whk_message_t *message,
                                 const whk_signing_t *signing, apr_pool_t *pool)
{
    json_t *claims = whk_json_adopt(pool, whk_signing_claims(signing, pool));
    const char *hash = hash_of(message, pool);
    const char *text = NULL;
    whk_bytes_t payload;
    const char *jwt;

    if (claims && hash &&
        json_object_set_new(claims, claim_of(signing->policy), json_string(hash)) == 0)
        text = whk_json_text(pool, claims);
    if (!text)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0355) "out of memory for the claims of a JWT");
    payload = (whk_bytes_t){text, strlen(text)};
    WHK_TRY(whk_signing_jws(&jwt, signing, json_pack("{s:s}", "typ", "JWT"), &payload, 0, pool));
    apr_table_setn(fields, signing->policy->header, jwt);
    return NULL;
}

const whk_scheme_t whk_scheme_jwt = {"jwt", 1, NULL, parse, sign};
