/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** From a JWK (RFC 7517, RFC 7518 section 6, RFC 8037, RFC 8812) to a public key that may be
 * trusted to be one: every rule of docs/api.md, "What a JWK must be". */

#include <apr_pools.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "jose/algorithm.h"
#include "model/outcome.h"

/** What is cached with a key until its pool goes. */
typedef struct whk_jwk_cached_t {
    struct whk_jwk_cached_t *next;
    void (*release)(struct whk_jwk_cached_t *cached);
} whk_jwk_cached_t;

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
    _Atomic(whk_jwk_cached_t *) *cached;
} whk_jwk_t;

/** Parse and check one JWK.
 * @param jwk     set on success
 * @param json    any JSON value; borrowed
 * @param place   where it stands, for messages: `jwks.keys[0]`
 * @param enabled the algorithms that the operator turned on
 * @return NULL, or invalid_jwks, unsupported_key, weak_key, private_key_material. A `kid` that is
 * no string or breaks whk_key_id_flaw() is invalid_jwks. Order: object → private members → kty/crv
 * known → enabled → use, key_ops, alg, kid → members → key → x5c. */
const whk_outcome_t *whk_jwk_parse(const whk_jwk_t **jwk, const json_t *json, const char *place,
                                   whk_algorithms_t enabled, apr_pool_t *pool);

/** Read a stored `public_json` back into a key, without checking it again beyond what parsing
 * needs.
 * @return the key, or NULL where the text is not what whk_jwk_parse() wrote */
const whk_jwk_t *whk_jwk_load(const char *public_json, apr_pool_t *pool);

/** The same key in a piece of memory of its own, which belongs to no pool and is a fifth of what
 * one takes: for whoever keeps many. Until whk_jwk_free().
 * @return NULL: out of memory */
whk_jwk_t *whk_jwk_copy(const whk_jwk_t *jwk);

void whk_jwk_free(whk_jwk_t *copy);
