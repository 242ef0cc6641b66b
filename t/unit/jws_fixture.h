/* SPDX-License-Identifier: Apache-2.0 */
/* Compact JWS, made by the book, and what the tests of the JWS schemes do with them. */

#pragma once

#include "signing_fixture.h"

#include "jose/jws.h"
#include "scheme/compact_jws.h"
#include "scheme/scheme.h"
#include "scheme/signed_message.h"
#include "scheme/signed_message_audience.h"
#include "scheme/signed_message_times.h"

/* RFC 7515, appendix A.1, also the payload of A.2, A.3 and A.5. */
#define PAYLOAD                                                                                    \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

#define A_3_KEY                                                                                    \
    "{'kty':'EC','crv':'P-256','x':'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU','y':"             \
    "'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}"
#define A_3_HEADER "eyJhbGciOiJFUzI1NiJ9"
#define A_3_SIGNATURE                                                                              \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define A_3 A_3_HEADER "." PAYLOAD "." A_3_SIGNATURE

static signer_t p256;
static signer_t ed25519;

static inline const char *encoded(const void *bytes, apr_size_t length)
{
    return whk_base64url_encode(pool, bytes, length);
}

static inline const char *encoded_text(const char *text)
{
    return encoded(text, strlen(text));
}

/* Sign `input` and put the parts together: `middle` is what stands between the dots. */
static inline const char *finish(const signer_t *signer, whk_algorithm_t algorithm,
                                 const char *header, const char *middle, const void *input,
                                 apr_size_t length)
{
    signed_t made = sign(signer, algorithm, input, length);

    return apr_pstrcat(pool, header, ".", middle, ".", encoded(made.bytes, made.length), NULL);
}

/* An attached JWS of a header and a payload, JSON with ' for ". */
static inline const char *jws_of(const signer_t *signer, whk_algorithm_t algorithm,
                                 const char *header, const char *payload)
{
    const char *first = encoded_text(quoted(header));
    const char *middle = encoded_text(quoted(payload));
    const char *input = apr_pstrcat(pool, first, ".", middle, NULL);

    return finish(signer, algorithm, first, middle, input, strlen(input));
}

/* A detached one, by the book: the whole of the input in memory. */
static inline const char *detached_of(const signer_t *signer, whk_algorithm_t algorithm,
                                      const char *header, const void *body, apr_size_t length,
                                      int is_encoded)
{
    const char *first = encoded_text(quoted(header));
    apr_size_t start = strlen(first) + 1;
    const char *text = is_encoded ? encoded(body, length) : body;
    apr_size_t size = is_encoded ? strlen(text) : length;
    char *input = apr_palloc(pool, start + size);

    memcpy(input, first, start - 1);
    input[start - 1] = '.';
    memcpy(input + start, text, size);
    return finish(signer, algorithm, first, "", input, start + size);
}

static inline const whk_outcome_t *parse(whk_signed_message_t **parsed, const char *jws,
                                         const char *payload)
{
    return whk_compact_jws_parse(parsed, jws, strlen(jws), payload, payload ? strlen(payload) : 0,
                                 pool);
}

/* Parse and verify, as the API does. */
static inline const whk_outcome_t *judge_enabled(const whk_jwk_t *jwk, const char *jws,
                                                 const char *payload, whk_algorithms_t enabled,
                                                 const char **algorithm)
{
    whk_signed_message_t *parsed;

    WHK_TRY(parse(&parsed, jws, payload));
    return whk_signed_message_verify(parsed, jwk, enabled, algorithm, pool);
}

static inline const whk_outcome_t *judge(const whk_jwk_t *jwk, const char *jws, const char *payload)
{
    const char *algorithm;

    return judge_enabled(jwk, jws, payload, EVERY_ALGORITHM, &algorithm);
}

static inline void assert_verifies(const whk_jwk_t *jwk, const char *jws, const char *payload,
                                   const char *wanted)
{
    const char *algorithm = NULL;

    assert_good(judge_enabled(jwk, jws, payload, EVERY_ALGORITHM, &algorithm), jws);
    assert_string_equal(algorithm, wanted);
}

static inline const char *p256_jws(const char *header, const char *payload)
{
    return jws_of(&p256, WHK_ALG_ES256, header, payload);
}

/* What tests set otherwise they set back. */
static whk_scheme_policy_t policy = {.header = "Webhook-Signature"};

static inline const whk_outcome_t *parse_request(whk_signed_message_t **parsed, const char *scheme,
                                                 const request_t *request, const char *body)
{
    whk_message_t message = {.method = "POST",
                             .scheme = "https",
                             .authority = "hooks.example",
                             .target = "/",
                             .field = field,
                             .baton = (void *)request,
                             .body = body,
                             .length = strlen(body)};

    return whk_scheme_by_name(scheme)->parse(parsed, &message, &policy, pool);
}

/* Parse, verify and judge the times and parties, as httpd does. */
static inline const whk_outcome_t *take_request(whk_signed_message_t **parsed, const char *scheme,
                                                const request_t *request, const char *body)
{
    const char *algorithm;

    WHK_TRY(parse_request(parsed, scheme, request, body));
    WHK_TRY(whk_signed_message_check_known_times(*parsed, NOW, MAX_AGE, SKEW, pool));
    WHK_TRY(whk_signed_message_verify(*parsed, p256.jwk, EVERY_ALGORITHM, &algorithm, pool));
    WHK_TRY(whk_signed_message_check_times(*parsed, NOW, MAX_AGE, SKEW, pool));
    return whk_signed_message_check_audience(*parsed, pool);
}

static inline const whk_outcome_t *judge_request(const char *scheme, const request_t *request,
                                                 const char *body)
{
    whk_signed_message_t *parsed;

    return take_request(&parsed, scheme, request, body);
}

static inline int make_keys(void **state)
{
    int status = make_pool(state);

    p256 = make_signer(WHK_ALG_ES256, NULL);
    ed25519 = make_signer(WHK_ALG_EDDSA, NULL);
    return status;
}

#define TEST(name) cmocka_unit_test(name)
