/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "http_signature/field_value.h"
#include "jose/base64.h"
#include "jose/base64url.h"
#include "jose/signature.h"
#include "model/log_number.h"
#include "model/random.h"
#include "scheme/scheme.h"

#define SIGNATURE_LENGTH 64

/* Longest id, and the last second of the year 9999, which milliseconds are far beyond. */
#define ID_MAX 255
#define SECONDS_MAX APR_INT64_C(253402300799)
#define SECONDS_DIGITS 12

typedef struct {
    const char *start; /* `id.timestamp.` */
    whk_bytes_t body;  /* borrowed */
    whk_bytes_t text;  /* both, joined for the first key that is tried */
    const unsigned char *signatures[WHK_SIGNATURES_MAX];
    int count;
} webhook_t;

/* Ed25519 reads what was signed twice, so it must be in one piece: one for all that are tried. */
static void join(webhook_t *webhook, apr_pool_t *pool)
{
    apr_size_t start = strlen(webhook->start);
    char *text = apr_palloc(pool, start + webhook->body.length);

    memcpy(text, webhook->start, start);
    memcpy(text + start, webhook->body.bytes, webhook->body.length);
    webhook->text = (whk_bytes_t){text, start + webhook->body.length};
}

static const whk_outcome_t *verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    webhook_t *webhook = message->state;
    int i;

    if (!(jwk->algorithms & enabled & WHK_ALG_EDDSA))
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                          "v1a of webhook-signature is Ed25519: sign with a registered Ed25519 key "
                          "(EdDSA must be turned on here)");
    if (!webhook->text.bytes)
        join(webhook, pool);
    for (i = 0; i < webhook->count; i++) {
        if (!whk_signature_verify(jwk, WHK_ALG_EDDSA, &webhook->text, 1, webhook->signatures[i],
                                  SIGNATURE_LENGTH, pool))
            continue;
        *algorithm = whk_algorithms_names(pool, WHK_ALG_EDDSA);
        return NULL;
    }
    return whk_refuse(pool, WHK_BAD_SIGNATURE,
                      "no v1a of webhook-signature fits this key: sign "
                      "<webhook-id>.<webhook-timestamp>.<body>, the body being the very bytes that "
                      "are sent, with the private key");
}

static const whk_scheme_verifier_t verifier = {verify, NULL};

/* As libraries are that decode base64 leniently: they leave out what is none of its characters, and
 * take the bits behind the last byte for what they are. */
static char *lenient_base64url(const char *text, apr_pool_t *pool)
{
    char *kept = apr_palloc(pool, strlen(text) + 4);
    char *end = kept;

    for (; *text; text++)
        if (apr_isalnum(*text) || strchr("-_+/", *text))
            *end++ = *text == '+' ? '-' : *text == '/' ? '_' : *text;
    while ((end - kept) % 4)
        *end++ = 'A';
    *end = '\0';
    return kept;
}

/* White space, and what JSON in other encodings than UTF-8 has between its characters. */
static apr_size_t skip_blanks(const unsigned char *bytes, apr_size_t at, apr_size_t length)
{
    static const char blanks[] = " \t\r\n\xEF\xBB\xBF\xFE\xFF"; /* and the NUL behind them */

    while (at < length && memchr(blanks, bytes[at], sizeof(blanks)))
        at++;
    return at;
}

/* Could somebody read the id as the header of a JWS, an object? Then what is signed here might be a
 * JWS, whose payload is not encoded. A UUID is none, though one in twenty begins with a brace. */
static int is_jws_header(const char *id, apr_pool_t *pool)
{
    const char *encoded = lenient_base64url(id, pool);
    unsigned char *bytes;
    apr_size_t length;
    apr_size_t at;

    if (!whk_base64url_decode(pool, encoded, strlen(encoded), &bytes, &length))
        return 0;
    at = skip_blanks(bytes, 0, length);
    if (at == length || bytes[at] != '{')
        return 0;
    at = skip_blanks(bytes, at + 1, length);
    return at < length &&
           (bytes[at] == '"' || (bytes[at] == '}' && skip_blanks(bytes, at + 1, length) == length));
}

/* A dot would let one signed text be told apart as two messages, and so would a text that another
 * scheme signs: a signature base (RFC 9421) begins with a quotation mark. */
static const whk_outcome_t *read_id(const char **id, const whk_message_t *message, apr_pool_t *pool)
{
    const char *c;

    WHK_TRY(whk_field_only(id, message, "webhook-id", pool));
    for (c = *id; *c > ' ' && *c <= '~' && *c != '.'; c++)
        ;
    if (*c || c == *id || c - *id > ID_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "webhook-id must be 1 to %d visible ASCII characters, without a dot",
                          ID_MAX);
    if (strchr(*id, '"') || is_jws_header(*id, pool))
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "webhook-id must hold no quotation mark, and must not be the header of a "
                          "JWS: what is signed could else be taken for another kind of signature");
    return NULL;
}

static const whk_outcome_t *read_timestamp(const char **text, apr_time_t *time,
                                           const whk_message_t *message, apr_pool_t *pool)
{
    apr_size_t length;
    apr_int64_t seconds;

    WHK_TRY(whk_field_only(text, message, "webhook-timestamp", pool));
    length = strlen(*text);
    seconds = length <= SECONDS_DIGITS ? apr_atoi64(*text) : 0;
    if (strspn(*text, "0123456789") != length || **text == '0' || seconds < 1 ||
        seconds > SECONDS_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "webhook-timestamp must be a whole number of seconds since "
                          "1970-01-01T00:00:00Z, not of milliseconds");
    *time = apr_time_from_sec(seconds);
    return NULL;
}

static const whk_outcome_t *read_entry(webhook_t *webhook, const char *entry, apr_size_t length,
                                       apr_pool_t *pool)
{
    static const char version[] = "v1a,";
    apr_size_t start = sizeof(version) - 1;
    unsigned char *bytes;
    apr_size_t decoded;

    if (length < start || memcmp(entry, version, start) != 0)
        return NULL;
    if (webhook->count == WHK_SIGNATURES_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "webhook-signature holds more than %d signatures", WHK_SIGNATURES_MAX);
    if (!whk_base64_decode(pool, entry + start, length - start, &bytes, &decoded) ||
        decoded != SIGNATURE_LENGTH)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "v1a of webhook-signature must be the %d bytes of an Ed25519 signature "
                          "in base64 with its padding",
                          SIGNATURE_LENGTH);
    webhook->signatures[webhook->count++] = bytes;
    return NULL;
}

static const whk_outcome_t *read_signatures(webhook_t *webhook, const whk_message_t *message,
                                            apr_pool_t *pool)
{
    const char *value;

    WHK_TRY(whk_field_only(&value, message, "webhook-signature", pool));
    while (*value) {
        apr_size_t length = strcspn(value, " ");

        WHK_TRY(read_entry(webhook, value, length, pool));
        value += length + strspn(value + length, " ");
    }
    if (!webhook->count)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                          "webhook-signature has no v1a, which is needed here: v1a,<base64 of an "
                          "Ed25519 signature>; other versions are ignored");
    return NULL;
}

/* Not of the standard, nor signed: of the keys that may be tried it names the one that is. */
static const whk_outcome_t *read_key_id(whk_signed_message_t *read, const whk_message_t *message,
                                        apr_pool_t *pool)
{
    const apr_array_header_t *lines;

    WHK_TRY(whk_field_lines(&lines, message, "webhook-key-id", pool));
    if (lines->nelts > 1)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "there must be one header webhook-key-id, not several");
    if (lines->nelts)
        read->kid = APR_ARRAY_IDX(lines, 0, const char *);
    read->try_all_ed25519 = !read->kid;
    return NULL;
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    webhook_t *webhook = apr_pcalloc(pool, sizeof(*webhook));
    whk_signed_message_t *read = whk_signed_message_create(policy, &verifier, webhook, pool);
    const char *timestamp;
    const char *id;

    WHK_TRY(read_id(&id, message, pool));
    WHK_TRY(read_timestamp(&timestamp, &read->signed_at, message, pool));
    WHK_TRY(read_signatures(webhook, message, pool));
    WHK_TRY(read_key_id(read, message, pool));
    webhook->start = apr_pstrcat(pool, id, ".", timestamp, ".", NULL);
    webhook->body = (whk_bytes_t){message->body, message->length};
    read->signature_count = webhook->count;
    read->needs_time = 1;
    whk_signed_message_add_replay_id(read, apr_pstrcat(pool, "id:", id, NULL), pool);
    *parsed = read;
    return NULL;
}

/* That of a delivery which its sender names stays the same when it is sent again. Ours begins so
 * that read_id() takes it for no header of a JWS. */
static const char *id_of(const whk_message_t *message, apr_pool_t *pool)
{
    const char *id;
    const char *random;

    if (!read_id(&id, message, pool))
        return id;
    random = whk_uuid(pool);
    return random ? apr_pstrcat(pool, "msg_", random, NULL) : NULL;
}

static const whk_outcome_t *sign(apr_table_t *fields, const whk_message_t *message,
                                 const whk_signing_t *signing, apr_pool_t *pool)
{
    const char *timestamp = apr_psprintf(pool, "%" APR_TIME_T_FMT, apr_time_sec(signing->now));
    const char *id = id_of(message, pool);
    webhook_t webhook = {.body = {message->body, message->length}};
    whk_bytes_t signature;

    if (signing->key->algorithm != WHK_ALG_EDDSA)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0356) "standard-webhooks signs by Ed25519 alone, and the first "
                                        "signing key, %s, is another kind",
                        signing->key->kid);
    if (!id)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0357) "the system gives no random bytes");
    webhook.start = apr_pstrcat(pool, id, ".", timestamp, ".", NULL);
    join(&webhook, pool);
    WHK_TRY(whk_private_key_sign(signing->key, &webhook.text, 1, &signature, pool));
    apr_table_setn(fields, "webhook-id", id);
    apr_table_setn(fields, "webhook-timestamp", timestamp);
    apr_table_setn(fields, "webhook-signature",
                   apr_pstrcat(pool, "v1a,",
                               whk_base64_encode(pool, signature.bytes, signature.length), NULL));
    apr_table_setn(fields, "webhook-key-id", signing->key->kid);
    return NULL;
}

const whk_scheme_t whk_scheme_standard_webhooks = {"standard-webhooks", 0, "webhook-signature",
                                                   parse, sign};
