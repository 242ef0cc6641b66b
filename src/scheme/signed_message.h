/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A webhook as it arrived, and the signature that it carries, whatever the scheme: first parsed,
 * which needs no key and tells which one to look up; then verified with that key.
 *
 * All functions return NULL or why not: malformed_jws, signature_missing, algorithm_mismatch,
 * key_id_mismatch, bad_signature, digest_mismatch, expired, wrong_audience, wrong_issuer. Messages
 * say what would be right, and repeat at most an algorithm's or a component's name. What a token
 * claims about its key or algorithm is compared, never obeyed.
 *
 * A message that nobody signed is cheap: before its signature is found good nothing of a payload
 * is read as JSON, and a header is short. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "jose/signature.h"
#include "model/message.h"
#include "model/outcome.h"

/** Signatures that a request may carry, and keys that are tried for it. */
#define WHK_SIGNATURES_MAX 16

/** What a scheme asks for beyond its standard. */
typedef struct whk_scheme_policy_t {
    const char *header;                            /**< the header of `jws-detached` and `jwt` */
    const char *body_hash_claim;                   /**< WebhookKeysBodyHashClaim, for `jwt` */
    const apr_array_header_t *required_components; /**< WebhookKeysRequiredComponents, of an answer
                                     WebhookKeysResponseComponents, for `http-signature`: `const
                                     char *`, as `@method`, `content-digest`, `@path;req` */
    const char *signature_tag; /**< WebhookKeysSignatureTag, for `http-signature`; NULL: none */
    const apr_array_header_t *audiences; /**< WebhookKeysAudience: `const char *`; NULL: none */
    const char *issuer;                  /**< WebhookKeysIssuer; NULL: any */
    int allows_undated;                  /**< WebhookKeysRequireTime Off */
    int body_is_taken; /**< the body goes on, so where there is one it must be covered */
} whk_scheme_policy_t;

/** A signature that was parsed. */
typedef struct whk_signed_message_t {
    const char
        *kid; /**< key to look up; NULL: the signature names none (then see `try_all_ed25519`) */
    /** The request carries several signatures, of which one counts: the keys that they name, in
     * order, `const char *`; whk_signed_message_select() tells which. NULL: it is clear already. */
    const apr_array_header_t *kids;
    int try_all_ed25519; /**< to be tried against the enterprise's ACTIVE Ed25519 keys */
    int signature_count; /**< how many whk_signed_message_verify() may have to try with a key */
    /** Once verified: all names under which this message may come again, of the one that counts
     * first, `const char *`: `jti:…`, `nonce:…`, `id:…`, and where there is none `sig:…`, of the
     * signature itself. Never empty then. */
    const apr_array_header_t *replay_ids;
    const char *jti;       /**< NULL: none */
    apr_time_t signed_at;  /**< iat, created or webhook-timestamp; 0: none */
    apr_time_t not_before; /**< nbf; 0: none */
    apr_time_t expires;    /**< exp or expires; 0: none */
    int needs_time;        /**< it must tell when it was made, or when it ends */
    int has_claims; /**< it is read as a JWT's, so what is set for aud and iss must be there */
    const apr_array_header_t *audiences; /**< aud: `const char *`; NULL: none */
    const char *issuer;                  /**< iss; NULL: none */
    /** Once verified: the JSON object that signed_message_claims.h reads; empty: there is none. */
    whk_bytes_t claims;
    whk_scheme_policy_t policy; /**< that it was parsed by */
    /** Private to the scheme. */
    const struct whk_scheme_verifier_t *verifier;
    void *state;
} whk_signed_message_t;

/** How a scheme verifies what it parsed. */
typedef struct whk_scheme_verifier_t {
    const whk_outcome_t *(*verify)(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                   whk_algorithms_t enabled, const char **algorithm,
                                   apr_pool_t *pool);
    /** NULL where `kids` is never set. */
    const whk_outcome_t *(*select)(whk_signed_message_t *message, int index, apr_pool_t *pool);
} whk_scheme_verifier_t;

/** For the schemes: a message that was not yet read. */
whk_signed_message_t *whk_signed_message_create(const whk_scheme_policy_t *policy,
                                                const whk_scheme_verifier_t *verifier, void *state,
                                                apr_pool_t *pool);

/** For the schemes: another of the `replay_ids`, where it has not got that already. */
void whk_signed_message_add_replay_id(whk_signed_message_t *message, const char *name,
                                      apr_pool_t *pool);

/** Of several signatures the one at `index` of `kids` counts: read the rest of it.
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_signed_message_select(whk_signed_message_t *message, int index,
                                               apr_pool_t *pool);

/** Verify a parsed signature with a key. What is signed with it, and not known before (claims), is
 * read when it was found good.
 * @param enabled   the algorithms that are on; a key verifies only by one that is, and that is its
 * own
 * @param algorithm set on success to the JWS name of what verified it (`EdDSA`, `ES256` …)
 * @return NULL: the signature is this key's, over this message */
const whk_outcome_t *whk_signed_message_verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                               whk_algorithms_t enabled, const char **algorithm,
                                               apr_pool_t *pool);
