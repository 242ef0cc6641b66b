#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "jose/claims.h"
#include "jose/field_value.h"
#include "jose/jws.h"

static const whk_outcome_t *verify(const whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool)
{
    return whk_jws_verify(message->state, jwk, enabled, algorithm, pool);
}

static const whk_scheme_verifier_t verifier = {verify};

static whk_signed_message_t *make_message(whk_jws_t *jws, apr_pool_t *pool)
{
    whk_signed_message_t *message = apr_pcalloc(pool, sizeof(*message));

    message->verifier = &verifier;
    message->state = jws;
    return message;
}

/* A media type (RFC 9110, section 8.3.1) without its parameters, in lower case. */
static const char *media_type_of(const whk_message_t *message, apr_pool_t *pool)
{
    const apr_array_header_t *values = message->field(message->baton, "Content-Type", pool);
    const char *value;
    char *type;
    char *c;

    if (!values || values->nelts != 1)
        return "";
    value = APR_ARRAY_IDX(values, 0, const char *);
    type = apr_pstrndup(pool, value, strcspn(value, "; \t"));
    for (c = type; *c; c++)
        *c = (char)apr_tolower(*c);
    return type;
}

static const whk_outcome_t *find_type(int *is_jwt, const whk_message_t *message, apr_pool_t *pool)
{
    const char *type = media_type_of(message, pool);

    *is_jwt = strcmp(type, "application/jwt") == 0;
    if (*is_jwt || strcmp(type, "application/jose") == 0)
        return NULL;
    return whk_refuse(pool, WHK_SIGNATURE_MISSING,
                      "the body must be a JWS in compact form, sent as Content-Type: "
                      "application/jwt, or application/jose where its payload is no JWT's");
}

static int may_be_object(const whk_bytes_t *payload)
{
    const char *text = payload->bytes;
    apr_size_t i = 0;

    while (i < payload->length && apr_isspace(text[i]))
        i++;
    return i < payload->length && text[i] == '{';
}

/* Nobody signed the Content-Type: so what a payload says of its times holds under either, lest a
 * JWT that is too old be sent again as application/jose. */
static const whk_outcome_t *read_payload(whk_signed_message_t *message, const whk_jws_t *jws,
                                         int is_jwt, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;
    const json_t *claims;

    if (!is_jwt && !may_be_object(&jws->payload))
        return NULL;
    outcome = whk_jws_read_object(&claims, &jws->payload, "the payload of the JWS", pool);
    if (!outcome)
        return whk_claims_read(message, claims, "the payload of the JWS", is_jwt, pool);
    return is_jwt || outcome->code != WHK_MALFORMED_JWS ? outcome : NULL;
}

static const whk_outcome_t *parse(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    whk_signed_message_t *read;
    whk_jws_t *jws;
    int is_jwt;

    (void)policy;
    WHK_TRY(find_type(&is_jwt, message, pool));
    WHK_TRY(whk_jws_read(&jws, message->body, message->length, NULL, pool));
    read = make_message(jws, pool);
    read->needs_time = is_jwt;
    WHK_TRY(whk_jws_describe(read, jws, pool));
    WHK_TRY(read_payload(read, jws, is_jwt, pool));
    whk_jws_name_by_signature(read, jws, pool);
    *parsed = read;
    return NULL;
}

const whk_outcome_t *whk_jws_parse(whk_signed_message_t **parsed, const char *jws,
                                   apr_size_t jws_length, const char *payload,
                                   apr_size_t payload_length, apr_pool_t *pool)
{
    whk_bytes_t detached = {payload, payload_length};
    whk_signed_message_t *message;
    whk_jws_t *read;

    WHK_TRY(whk_jws_read(&read, jws, jws_length, payload ? &detached : NULL, pool));
    message = make_message(read, pool);
    WHK_TRY(whk_jws_describe(message, read, pool));
    whk_jws_name_by_signature(message, read, pool);
    *parsed = message;
    return NULL;
}

static const whk_outcome_t *parse_detached(whk_signed_message_t **parsed,
                                           const whk_message_t *message,
                                           const whk_scheme_policy_t *policy, apr_pool_t *pool)
{
    const char *value;

    WHK_TRY(whk_field_only(&value, message, policy->header, pool));
    return whk_jws_parse(parsed, value, strlen(value), message->body, message->length, pool);
}

const whk_scheme_t whk_scheme_jws = {"jws", 0, parse};
const whk_scheme_t whk_scheme_jws_detached = {"jws-detached", 1, parse_detached};
