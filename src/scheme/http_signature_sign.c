/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/http_signature_sign.h"

#include <apr_strings.h>
#include <string.h>

#include "http_signature/content_digest.h"
#include "http_signature/field_value.h"
#include "http_signature/http_signature_algorithm.h"
#include "http_signature/signature_base.h"
#include "http_signature/structured_field.h"
#include "jose/base64.h"
#include "model/log_number.h"
#include "model/random.h"

#define LABEL "sig1"
#define CONTENT_DIGEST "content-digest"

/* The message as it will be, with the digest of its body. */
typedef struct {
    const whk_message_t *message;
    const char *digest;
} digested_t;

static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *pool)
{
    const digested_t *digested = baton;
    apr_array_header_t *values;

    if (strcasecmp(name, CONTENT_DIGEST) != 0)
        return digested->message->field(digested->message->baton, name, pool);
    values = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(values, const char *) = digested->digest;
    return values;
}

static int is_there(const whk_message_t *message, const char *name, apr_pool_t *pool)
{
    const apr_array_header_t *values = message->field(message->baton, name, pool);

    return values && values->nelts;
}

/* ---- what is covered ---- */

static void cover(whk_sf_item_t *input, const char *name, apr_pool_t *pool)
{
    whk_sf_item_t *member;

    if (whk_signature_base_covers(input, name, 0))
        return;
    member = apr_array_push((apr_array_header_t *)input->members);
    *member = (whk_sf_item_t){.type = WHK_SF_STRING,
                              .text = name,
                              .parameters = apr_array_make(pool, 0, sizeof(whk_sf_pair_t))};
}

static const whk_outcome_t *cover_required(whk_sf_item_t *input, const whk_message_t *message,
                                           const apr_array_header_t *required, apr_pool_t *pool)
{
    int i;

    for (i = 0; required && i < required->nelts; i++) {
        const char *name = APR_ARRAY_IDX(required, i, const char *);

        if (!strcmp(name, "signature") || !strcmp(name, "signature-input"))
            return whk_fail(
                pool, WHK_INTERNAL_ERROR,
                WHK_LOGNO(0350) "WebhookKeysRequiredComponents names %s, which no signature made "
                                "here can cover: take it out where WebhookKeysSign is",
                name);
        if (*name != '@' && !is_there(message, name, pool))
            return whk_refuse(pool, WHK_INVALID_REQUEST,
                              "the header %s is missing: it must be there to be signed", name);
        cover(input, name, pool);
    }
    return NULL;
}

static const whk_outcome_t *list_components(whk_sf_item_t *input, const whk_message_t *message,
                                            const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    input->type = WHK_SF_INNER_LIST;
    input->members = apr_array_make(pool, 8, sizeof(whk_sf_item_t));
    cover(input, "@method", pool);
    cover(input, "@target-uri", pool);
    cover(input, CONTENT_DIGEST, pool);
    if (is_there(message, "content-type", pool))
        cover(input, "content-type", pool);
    return cover_required(input, message, policy->required_components, pool);
}

/* ---- its parameters ---- */

static void add_number(apr_array_header_t *parameters, const char *key, apr_int64_t number)
{
    whk_sf_pair_t *pair = apr_array_push(parameters);

    *pair = (whk_sf_pair_t){.key = key, .value = {.type = WHK_SF_INTEGER, .number = number}};
}

static void add_text(apr_array_header_t *parameters, const char *key, const char *text)
{
    whk_sf_pair_t *pair;

    if (!text)
        return;
    pair = apr_array_push(parameters);
    *pair = (whk_sf_pair_t){.key = key, .value = {.type = WHK_SF_STRING, .text = text}};
}

/* RFC 8941, section 3.3.3. */
static int is_string(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return !*text;
}

static const whk_outcome_t *add_parameters(whk_sf_item_t *input, const whk_signing_t *signing,
                                           apr_pool_t *pool)
{
    apr_array_header_t *parameters = apr_array_make(pool, 8, sizeof(whk_sf_pair_t));
    const char *tag = signing->policy->signature_tag;
    const char *nonce = whk_uuid(pool);

    if (!nonce)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0351) "the system gives no random bytes");
    if (!is_string(signing->key->kid) || (tag && !is_string(tag)))
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0352) "http-signature can say the kid of WebhookKeysSigningKey "
                                        "and WebhookKeysSignatureTag in printable ASCII alone");
    add_number(parameters, "created", apr_time_sec(signing->now));
    add_number(parameters, "expires", apr_time_sec(signing->now + signing->lifetime));
    add_text(parameters, "keyid", signing->key->kid);
    add_text(parameters, "alg", whk_http_signature_algorithm_name(signing->key->algorithm));
    add_text(parameters, "nonce", nonce);
    add_text(parameters, "tag", tag);
    input->parameters = parameters;
    return NULL;
}

/* ---- */

static const whk_outcome_t *make_base(whk_bytes_t *base, const whk_message_t *message,
                                      const whk_sf_item_t *input, apr_pool_t *pool)
{
    const char *text;
    const whk_outcome_t *outcome = whk_signature_base(&text, message, input, pool);

    if (outcome && outcome->code == WHK_MALFORMED_JWS)
        return whk_refuse(pool, WHK_INVALID_REQUEST, "the request can't be signed: %s",
                          outcome->message);
    if (!outcome)
        *base = (whk_bytes_t){text, strlen(text)};
    return outcome;
}

const whk_outcome_t *whk_http_signature_sign(apr_table_t *fields, const whk_message_t *message,
                                             const whk_signing_t *signing, apr_pool_t *pool)
{
    whk_bytes_t body = {message->body, message->length};
    digested_t digested = {message, whk_content_digest_make(&body, pool)};
    whk_message_t described = *message;
    whk_sf_item_t input = {0};
    whk_bytes_t signature;
    whk_bytes_t base;

    if (!digested.digest)
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0353) "OpenSSL can't compute SHA-256");
    described.field = field;
    described.baton = &digested;
    WHK_TRY(list_components(&input, &described, signing->policy, pool));
    WHK_TRY(add_parameters(&input, signing, pool));
    WHK_TRY(make_base(&base, &described, &input, pool));
    WHK_TRY(whk_private_key_sign(signing->key, &base, 1, &signature, pool));
    apr_table_setn(fields, "Content-Digest", digested.digest);
    apr_table_setn(fields, "Signature-Input",
                   apr_pstrcat(pool, LABEL "=", whk_sf_serialize(&input, pool), NULL));
    apr_table_setn(
        fields, "Signature",
        apr_pstrcat(pool, LABEL "=:", whk_base64_encode(pool, signature.bytes, signature.length),
                    ":", NULL));
    return NULL;
}
