/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The schemes of signing, by the name that `WebhookKeysSignature` has for each, and
 * `WebhookKeysResponse` where it signs answers. */

#include "scheme/signed_message.h"
#include "scheme/signing.h"

/** A scheme: the first word of `WebhookKeysSignature` or of `WebhookKeysResponse`. */
typedef struct whk_scheme_t {
    const char *name;       /**< jws, jws-detached, jwt, http-signature, standard-webhooks */
    int takes_header;       /**< a header's name follows it in the directive */
    const char *own_header; /**< else the one without which nothing is signed; NULL: the body is */
    const whk_outcome_t *(*parse)(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool);
    /** Sign a message. NULL: the scheme does not sign here, as its signature is the body.
     * @param fields what is to be set is added here; nothing else of these names may go out
     * @return NULL, invalid_request (the message lacks what must be signed) or internal_error */
    const whk_outcome_t *(*sign)(apr_table_t *fields, const whk_message_t *message,
                                 const whk_signing_t *signing, apr_pool_t *pool);
} whk_scheme_t;

extern const whk_scheme_t whk_scheme_jws;               /* scheme/scheme_jws.c */
extern const whk_scheme_t whk_scheme_jws_detached;      /* scheme/scheme_jws_detached.c */
extern const whk_scheme_t whk_scheme_jwt;               /* scheme/scheme_jwt.c */
extern const whk_scheme_t whk_scheme_http_signature;    /* scheme/scheme_http_signature.c */
extern const whk_scheme_t whk_scheme_standard_webhooks; /* scheme/scheme_standard_webhooks.c */
extern const whk_scheme_t whk_scheme_jwt_body;          /* scheme/scheme_jws.c: `jwt` of answers */

/** By name, or NULL. */
const whk_scheme_t *whk_scheme_by_name(const char *name);

/** Of answers, by name, or NULL. What it parses is a response: its message has a status. */
const whk_scheme_t *whk_response_scheme_by_name(const char *name);
