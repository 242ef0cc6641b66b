/* SPDX-License-Identifier: Apache-2.0 */
/* Requests with HTTP message signatures; their signature bases are written by hand. Texts have '
 * for ". */

#pragma once

#include "jose/jwk.h"
#include "scheme/scheme.h"
#include "scheme/signed_message.h"
#include "signing_fixture.h"

#define BODY "{\"hello\": \"world\"}"

/* RFC 9421, appendix B.2: the digest of its body. */
#define SHA_512                                                                                    \
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJ" \
    "wew==:"

typedef struct {
    const char *method;
    const char *authority;
    const char *target;
    const char *body;
    request_t fields;
} http_request_t;

/* What a signature must cover, separated by spaces; NULL: the default. */
static inline const apr_array_header_t *list_of(const char *names)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));
    char *rest = apr_pstrdup(pool, names ? names : "");
    char *name;

    while ((name = apr_strtok(rest, " ", &rest)) != NULL)
        APR_ARRAY_PUSH(list, const char *) = name;
    return names ? list : NULL;
}

static inline const whk_outcome_t *parse_tagged(whk_signed_message_t **parsed,
                                                const http_request_t *request, const char *required,
                                                const char *tag)
{
    whk_scheme_policy_t policy = {.required_components = list_of(required), .signature_tag = tag};
    whk_message_t message = {.method = request->method,
                             .scheme = "https",
                             .authority = request->authority,
                             .target = request->target,
                             .field = field,
                             .baton = (void *)&request->fields,
                             .body = request->body,
                             .length = strlen(request->body)};

    return whk_scheme_http_signature.parse(parsed, &message, &policy, pool);
}

static inline const whk_outcome_t *parse_http(whk_signed_message_t **parsed,
                                              const http_request_t *request, const char *required)
{
    return parse_tagged(parsed, request, required, NULL);
}

static inline const whk_outcome_t *judge_enabled(const http_request_t *request,
                                                 const char *required, const whk_jwk_t *jwk,
                                                 whk_algorithms_t enabled, const char **algorithm)
{
    whk_signed_message_t *parsed;

    WHK_TRY(parse_http(&parsed, request, required));
    return whk_signed_message_verify(parsed, jwk, enabled, algorithm, pool);
}

static inline const whk_outcome_t *judge_http(const http_request_t *request, const char *required,
                                              const whk_jwk_t *jwk)
{
    const char *algorithm;

    return judge_enabled(request, required, jwk, EVERY_ALGORITHM, &algorithm);
}

/* Sign a request under a label. `input` is the list with its parameters, `lines` the rest of the
 * base. */
static inline void sign_labelled(http_request_t *request, const char *label, const signer_t *signer,
                                 whk_algorithm_t algorithm, const char *input, const char *lines)
{
    const char *base =
        apr_pstrcat(pool, quoted(lines), "\"@signature-params\": ", quoted(input), NULL);
    signed_t made = sign(signer, algorithm, base, strlen(base));

    add_field(&request->fields, "Signature-Input",
              apr_pstrcat(pool, label, "=", quoted(input), NULL));
    add_field(&request->fields, "Signature",
              apr_pstrcat(pool, label, "=:", base64_of(made.bytes, made.length), ":", NULL));
}

static inline void sign_request(http_request_t *request, const signer_t *signer,
                                whk_algorithm_t algorithm, const char *input, const char *lines)
{
    sign_labelled(request, "sig1", signer, algorithm, input, lines);
}
