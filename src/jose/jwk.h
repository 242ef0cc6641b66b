/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_JOSE_JWK_H
#define WHK_JOSE_JWK_H

/**
 * @file jose/jwk.h
 * From a JWK (RFC 7517, RFC 7518 section 6, RFC 8037, RFC 8812) to a public key that may be
 * trusted to be one: every rule of docs/api.md, "What a JWK must be".
 */

#include <apr_pools.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "jose/algorithm.h"
#include "model/outcome.h"

/** Members of a JWK Set beyond which it is refused unread. */
#define WHK_JWK_SET_MAX 100

/** What somebody keeps with a key until its pool goes. */
typedef struct whk_jwk_kept_t {
    struct whk_jwk_kept_t *next;
    void (*release)(struct whk_jwk_kept_t *kept);
} whk_jwk_kept_t;

/** A validated public key. Everything lives in the pool it was parsed with. */
typedef struct whk_jwk_t {
    const char *kid;             /**< NULL where the JWK has none */
    const char *family;          /**< EdDSA, ECDSA or RSA: the API's `algorithm` */
    whk_algorithms_t algorithms; /**< those that fit this key: by curve, or the one `alg` named; not
                                      cut to those that are on */
    const char *public_json; /**< compact JSON of kty and the public members, with `alg` where the
                                  JWK had one; no kid, no use */
    const char *thumbprint;  /**< RFC 7638, SHA-256, base64url */
    EVP_PKEY *pkey;          /**< freed with the pool */
    /** For signature_contexts.c alone. The list only grows, at its head: readers need no lock. */
    _Atomic(whk_jwk_kept_t *) *kept;
} whk_jwk_t;

/**
 * Judge one JWK.
 * @param jwk     set on success
 * @param json    any JSON value; borrowed
 * @param place   where it stands, for messages: `jwks.keys[0]`
 * @param enabled the algorithms that the operator turned on
 * @return NULL, or invalid_jwks, unsupported_key, weak_key, private_key_material. A `kid` that is
 * no string or breaks whk_key_id_flaw() is invalid_jwks. Order: object → private members → kty/crv
 * known → enabled → use, key_ops, alg, kid → members → key → x5c.
 */
const whk_outcome_t *whk_jwk_parse(const whk_jwk_t **jwk, const json_t *json, const char *place,
                                   whk_algorithms_t enabled, apr_pool_t *pool);

/**
 * The one JWK of a JWK Set that must hold exactly one: for inline registration.
 * @param place where the set stands: `jwks`
 * @return as whk_jwk_parse(); a set that is no object, has no `keys` array, or not exactly one
 *         member is invalid_jwks
 */
const whk_outcome_t *whk_jwk_set_only(const whk_jwk_t **jwk, const json_t *set, const char *place,
                                      whk_algorithms_t enabled, apr_pool_t *pool);

/**
 * The one JWK with this `kid` in a set of at most WHK_JWK_SET_MAX: for a set fetched by URI. The
 * other members are not judged, be they ever so broken. Messages name the place in the set but
 * never repeat bytes of it.
 * @return as whk_jwk_parse(); none or several with that kid is jwks_uri_no_such_key
 */
const whk_outcome_t *whk_jwk_set_find(const whk_jwk_t **jwk, const json_t *set, const char *kid,
                                      whk_algorithms_t enabled, apr_pool_t *pool);

/**
 * The same for a key that was judged before, as the refresh of a set does again and again: where it
 * still is that one, what is dear to judge (some 0.15 s for RSA of 8,192 bits) is not judged anew.
 * @param thumbprint of the key that was found good
 */
const whk_outcome_t *whk_jwk_set_find_again(const whk_jwk_t **jwk, const json_t *set,
                                            const char *kid, const char *thumbprint,
                                            whk_algorithms_t enabled, apr_pool_t *pool);

/**
 * Read a stored `public_json` back into a key, without judging it again beyond what the parse
 * needs.
 * @return the key, or NULL where the text is not what whk_jwk_parse() wrote
 */
const whk_jwk_t *whk_jwk_load(const char *public_json, apr_pool_t *pool);

/** The thumbprint of a stored `public_json`, which is not judged; NULL: OpenSSL has no SHA-256. */
const char *whk_jwk_stored_thumbprint(const char *public_json, apr_pool_t *pool);

#endif
