/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_SCHEME_SIGNED_MESSAGE_H
#define WHK_SCHEME_SIGNED_MESSAGE_H

/**
 * @file scheme/signed_message.h
 * A webhook as it arrived, and the signature that it carries, whatever the scheme: first parsed,
 * which needs no key and tells which one to look up; then verified with that key.
 *
 * All functions return NULL or why not: malformed_jws, signature_missing, algorithm_mismatch,
 * key_id_mismatch, bad_signature, digest_mismatch, expired, wrong_audience, wrong_issuer. Messages
 * lead to the mend and repeat at most an algorithm's or a component's name. What a token claims
 * about its key or algorithm is compared, never obeyed.
 *
 * A message that nobody signed is cheap: before its signature is found good nothing of a payload
 * is read as JSON, and a header is short.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "model/message.h"
#include "model/outcome.h"

/** Signatures that a request may carry, and keys that are tried for it. */
#define WHK_SIGNATURES_MAX 16

/** What a scheme asks for beyond its standard. */
typedef struct whk_scheme_policy_t {
    const char *header;          /**< the header of `jws-detached` and `jwt` */
    const char *body_hash_claim; /**< WebhookKeysBodyHashClaim, for `jwt` */
    const apr_array_header_t
        *required_components;  /**< WebhookKeysRequiredComponents, for
                 `http-signature`: `const char *`, as `@method`, `content-digest` */
    const char *signature_tag; /**< WebhookKeysSignatureTag, for `http-signature`; NULL: none */
    const apr_array_header_t *audiences; /**< WebhookKeysAudience: `const char *`; NULL: none */
    const char *issuer;                  /**< WebhookKeysIssuer; NULL: any */
    int allows_undated;                  /**< WebhookKeysRequireTime Off */
    int body_is_taken; /**< the body goes on, so where there is one it must be covered */
} whk_scheme_policy_t;

/** A signature that was parsed. */
typedef struct whk_signed_message_t {
    const char *kid; /**< key to look up; NULL: the signature names none (then see `any_ed25519`) */
    /**
     * The request carries several signatures, of which one counts: the keys that they name, in
     * order, `const char *`; whk_signed_message_choose() tells which. NULL: it is clear already.
     */
    const apr_array_header_t *kids;
    int any_ed25519;     /**< to be tried against the enterprise's ACTIVE Ed25519 keys */
    int signature_count; /**< how many whk_signed_message_verify() may have to try with a key */
    /**
     * Once verified: all names under which this message may come again, of the one that counts
     * first, `const char *`: `jti:…`, `nonce:…`, `id:…`, and where there is none `sig:…`, of the
     * signature itself. Never empty then.
     */
    const apr_array_header_t *replay_ids;
    const char *jti;       /**< NULL: none */
    apr_time_t signed_at;  /**< iat, created or webhook-timestamp; 0: none */
    apr_time_t not_before; /**< nbf; 0: none */
    apr_time_t expires;    /**< exp or expires; 0: none */
    int needs_time;        /**< it must tell when it was made, or when it ends */
    int has_claims; /**< it is read as a JWT's, so what is set for aud and iss must be there */
    const apr_array_header_t *audiences; /**< aud: `const char *`; NULL: none */
    const char *issuer;                  /**< iss; NULL: none */
    whk_scheme_policy_t policy;          /**< that it was parsed by */
    /** Private to the scheme. */
    const struct whk_scheme_verifier_t *verifier;
    void *state;
} whk_signed_message_t;

/** How a scheme verifies what it parsed. */
typedef struct whk_scheme_verifier_t {
    const whk_outcome_t *(*verify)(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool);
    /** NULL where `kids` never is set. */
    const whk_outcome_t *(*choose)(whk_signed_message_t *message, int index, apr_pool_t *pool);
} whk_scheme_verifier_t;

/** A scheme: the first word of `WebhookKeysSignature`. */
typedef struct whk_scheme_t {
    const char *name;       /**< jws, jws-detached, jwt, http-signature, standard-webhooks */
    int takes_header;       /**< a header's name follows it in the directive */
    const char *own_header; /**< else the one without which nothing is signed; NULL: the body is */
    const whk_outcome_t *(*parse)(whk_signed_message_t **parsed, const whk_message_t *message,
                                  const whk_scheme_policy_t *policy, apr_pool_t *pool);
} whk_scheme_t;

extern const whk_scheme_t whk_scheme_jws;               /* scheme/scheme_jws.c */
extern const whk_scheme_t whk_scheme_jws_detached;      /* scheme/scheme_jws.c */
extern const whk_scheme_t whk_scheme_jwt;               /* scheme/scheme_jwt.c */
extern const whk_scheme_t whk_scheme_http_signature;    /* scheme/scheme_http_signature.c */
extern const whk_scheme_t whk_scheme_standard_webhooks; /* scheme/scheme_standard_webhooks.c */

/** By name, or NULL. */
const whk_scheme_t *whk_scheme_by_name(const char *name);

/** For the schemes: a message that was not yet read. */
whk_signed_message_t *whk_signed_message_make(const whk_scheme_policy_t *policy,
                                              const whk_scheme_verifier_t *verifier, void *state,
                                              apr_pool_t *pool);

/** For the schemes: another name of the message, where it has not got that already. */
void whk_signed_message_add_name(whk_signed_message_t *message, const char *name, apr_pool_t *pool);

/**
 * Of several signatures the one at `index` of `kids` counts: read the rest of it.
 * @return NULL or malformed_jws
 */
const whk_outcome_t *whk_signed_message_choose(whk_signed_message_t *message, int index,
                                               apr_pool_t *pool);

/**
 * Judge a parsed signature with a key. What is signed with it, and not known before (claims), is
 * read when it was found good.
 * @param enabled   the algorithms that are on; a key verifies only by one that is, and that is its
 * own
 * @param algorithm set on success to the JWS name of what verified it (`EdDSA`, `ES256` …)
 * @return NULL: the signature is this key's, over this message
 */
const whk_outcome_t *whk_signed_message_verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                               whk_algorithms_t enabled, const char **algorithm,
                                               apr_pool_t *pool);

/**
 * Judge the times that are known before the signature is verified, so that what is too old costs no
 * verification. Those that claims tell are not known yet, so one may be missing.
 * @return NULL or expired
 */
const whk_outcome_t *whk_signed_message_check_times_known(const whk_signed_message_t *message,
                                                          apr_time_t now,
                                                          apr_interval_time_t max_age,
                                                          apr_interval_time_t skew,
                                                          apr_pool_t *pool);

/**
 * Judge the times of a verified message.
 * @param max_age longest since it was signed (WebhookKeysMaxAge)
 * @param skew    how far clocks may differ (WebhookKeysClockSkew)
 * @return NULL or expired
 */
const whk_outcome_t *whk_signed_message_check_times(const whk_signed_message_t *message,
                                                    apr_time_t now, apr_interval_time_t max_age,
                                                    apr_interval_time_t skew, apr_pool_t *pool);

/**
 * Judge whom a verified message is for and from (RFC 7519, sections 4.1.1 and 4.1.3), by the policy
 * that it was parsed by.
 * @return NULL, wrong_audience or wrong_issuer
 */
const whk_outcome_t *whk_signed_message_check_parties(const whk_signed_message_t *message,
                                                      apr_pool_t *pool);

/**
 * Parse a JWS in compact form on its own, as `verify` of the API takes it.
 * @param payload NULL: attached, or `<header>..<signature>` over no bytes at all; else the bytes of
 * a detached payload (RFC 7515 appendix F)
 */
const whk_outcome_t *whk_signed_message_parse_jws(whk_signed_message_t **parsed, const char *jws,
                                                  apr_size_t jws_length, const char *payload,
                                                  apr_size_t payload_length, apr_pool_t *pool);

#endif
