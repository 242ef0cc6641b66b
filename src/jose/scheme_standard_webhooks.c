#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "jose/signature.h"
#include "jose/signed_message.h"
#include "jose/structured_field.h"

/* Of one header: a sender that rotates its key sends two. */
#define SIGNATURES_MOST 8
#define ID_LENGTH_MOST 255
#define ED25519_LENGTH 64

typedef struct {
    const char *prefix; /* `id.timestamp.` */
    const char *body;   /* borrowed */
    apr_size_t length;
    apr_array_header_t *signatures; /* of whk_sf_value_t */
} delivery_t;

static const whk_outcome_t *malformed(apr_pool_t *pool, const char *message)
{
    return whk_refuse(pool, WHK_MALFORMED_JWS, "%s", message);
}

static const whk_outcome_t *read_field(const char **value, const whk_message_t *message,
                                       const char *name, apr_pool_t *pool)
{
    const apr_array_header_t *values = message->field(message->baton, name, pool);

    if (!values || !values->nelts)
        return whk_refuse(pool, WHK_SIGNATURE_MISSING, "the header %s is missing", name);
    if (values->nelts > 1)
        return whk_refuse(pool, WHK_MALFORMED_JWS, "the header %s must be there once", name);
    *value = APR_ARRAY_IDX(values, 0, const char *);
    return NULL;
}

/* A dot in it would let one message pass for another: `a.1.{}` is id `a` or `a.1`. */
static int is_id(const char *id)
{
    const char *c;

    for (c = id; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '.' || *c == ',')
            return 0;
    return c > id && c - id <= ID_LENGTH_MOST;
}

static int read_seconds(const char *text, apr_time_t *time)
{
    apr_size_t length = strlen(text);

    if (length < 1 || length > 11 || strspn(text, "0123456789") != length || *text == '0')
        return 0;
    *time = apr_time_from_sec(apr_atoi64(text));
    return 1;
}

static const whk_outcome_t *read_signatures(delivery_t *delivery, const char *value,
                                            apr_pool_t *pool)
{
    char *list = apr_pstrdup(pool, value);
    char *rest;
    const char *each;

    delivery->signatures = apr_array_make(pool, 2, sizeof(whk_sf_value_t));
    for (each = apr_strtok(list, " ", &rest); each; each = apr_strtok(NULL, " ", &rest)) {
        whk_sf_value_t *signature;

        if (strncmp(each, "v1a,", 4) != 0)
            continue;
        if (delivery->signatures->nelts == SIGNATURES_MOST)
            return malformed(pool, "webhook-signature holds too many signatures");
        signature = apr_array_push(delivery->signatures);
        if (!whk_sf_base64(each + 4, strlen(each + 4), signature, pool) ||
            signature->length != ED25519_LENGTH)
            return malformed(pool,
                             "a v1a signature must be the 64 bytes of an Ed25519 signature in "
                             "base64 with its padding");
    }
    if (delivery->signatures->nelts)
        return NULL;
    return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                      "webhook-signature holds no v1a signature: sign with an Ed25519 key, v1 is "
                      "that of a shared secret");
}

static const whk_outcome_t *verify(const whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    const delivery_t *delivery = message->state;
    whk_bytes_t parts[2] = {{delivery->prefix, strlen(delivery->prefix)},
                            {delivery->body, delivery->length}};
    int i;

    if (!(jwk->algorithms & enabled & WHK_ALG_EDDSA))
        return whk_refuse(pool, WHK_ALGORITHM_MISMATCH,
                          "a v1a signature is one of Ed25519, and this key is none, or EdDSA is "
                          "not turned on here");
    for (i = 0; i < delivery->signatures->nelts; i++) {
        const whk_sf_value_t *signature = &APR_ARRAY_IDX(delivery->signatures, i, whk_sf_value_t);

        if (whk_signature_verify(jwk, WHK_ALG_EDDSA, parts, 2,
                                 (const unsigned char *)signature->text, signature->length, pool)) {
            *algorithm = "EdDSA";
            return NULL;
        }
    }
    return whk_refuse(pool, WHK_BAD_SIGNATURE,
                      "no ACTIVE Ed25519 key made this signature over webhook-id, "
                      "webhook-timestamp and the body, joined by dots");
}

static const whk_scheme_verifier_t verifier = {verify};

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_signed_message_t *read = apr_pcalloc(pool, sizeof(*read));
    delivery_t *delivery = apr_pcalloc(pool, sizeof(*delivery));
    const char *id;
    const char *timestamp;
    const char *signatures;

    (void)policy;
    WHK_TRY(read_field(&signatures, message, "webhook-signature", pool));
    WHK_TRY(read_field(&id, message, "webhook-id", pool));
    WHK_TRY(read_field(&timestamp, message, "webhook-timestamp", pool));
    if (!is_id(id))
        return malformed(pool,
                         "webhook-id must be 1 to 255 visible ASCII characters, without a dot "
                         "or comma");
    if (!read_seconds(timestamp, &read->signed_at))
        return malformed(pool, "webhook-timestamp must be a whole number of seconds since "
                               "1970-01-01T00:00:00Z");
    WHK_TRY(read_signatures(delivery, signatures, pool));
    delivery->prefix = apr_pstrcat(pool, id, ".", timestamp, ".", NULL);
    delivery->body = message->body;
    delivery->length = message->length;
    read->any_ed25519 = 1;
    read->replay_id = id;
    read->needs_time = 1;
    read->verifier = &verifier;
    read->state = delivery;
    *parsed = read;
    return NULL;
}

const whk_scheme_t whk_scheme_standard_webhooks = {"standard-webhooks", 0, parse};
