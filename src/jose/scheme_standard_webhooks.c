#include <string.h>

#include <apr_strings.h>

#include "jose/base64.h"
#include "jose/field_value.h"
#include "jose/signature.h"
#include "jose/signed_message.h"

/* A sender that rotates its keys signs with two or three. */
#define SIGNATURES_MAX 16
#define SIGNATURE_LENGTH 64

/* Longest id, and the last second of the year 9999, which milliseconds are far beyond. */
#define ID_MAX 255
#define SECONDS_MAX APR_INT64_C(253402300799)
#define SECONDS_DIGITS 12

typedef struct {
    const char *signed_start; /* `id.timestamp.`; the body follows */
    const char *body;         /* borrowed */
    apr_size_t length;
    const unsigned char *signatures[SIGNATURES_MAX];
    int count;
} webhook_t;

static const whk_outcome_t *verify(const whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const webhook_t *webhook = message->state;
    whk_bytes_t parts[] = {{webhook->signed_start, strlen(webhook->signed_start)},
                           {webhook->body, webhook->length}};
    int i;

    if (!(jwk->algorithms & enabled & WHK_ALG_EDDSA))
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                          "v1a of webhook-signature is Ed25519: sign with a registered Ed25519 key "
                          "(EdDSA must be turned on here)");
    for (i = 0; i < webhook->count; i++) {
        if (!whk_signature_verify(jwk, WHK_ALG_EDDSA, parts, 2, webhook->signatures[i],
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

static const whk_scheme_verifier_t verifier = {verify};

/* A dot would let one signed text be told apart as two messages. */
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
    if (webhook->count == SIGNATURES_MAX)
        return whk_refuse(pool, WHK_MALFORMED_JWS,
                          "webhook-signature holds more than %d signatures", SIGNATURES_MAX);
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

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_signed_message_t *read = apr_pcalloc(pool, sizeof(*read));
    webhook_t *webhook = apr_pcalloc(pool, sizeof(*webhook));
    const char *timestamp;

    (void)policy;
    WHK_TRY(read_id(&read->replay_id, message, pool));
    WHK_TRY(read_timestamp(&timestamp, &read->signed_at, message, pool));
    WHK_TRY(read_signatures(webhook, message, pool));
    webhook->signed_start = apr_pstrcat(pool, read->replay_id, ".", timestamp, ".", NULL);
    webhook->body = message->body;
    webhook->length = message->length;
    read->any_ed25519 = 1;
    read->needs_time = 1;
    read->verifier = &verifier;
    read->state = webhook;
    *parsed = read;
    return NULL;
}

const whk_scheme_t whk_scheme_standard_webhooks = {"standard-webhooks", 0, parse};
