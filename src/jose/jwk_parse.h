/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For the files jwk*.c alone: one JWK while it is parsed, and the steps of that. */

#include <apr_pools.h>
#include <jansson.h>

#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "model/outcome.h"

typedef struct whk_jwk_key_type_t whk_jwk_key_type_t;

typedef struct whk_jwk_parser_t {
    const json_t *json;
    const char *place;
    whk_algorithms_t enabled;
    int echo;    /**< messages may tell what the JWK holds, not just what it should */
    int trusted; /**< it was found good before: leave out what is slow and would say so again */
    apr_pool_t *pool;    /**< for the key and for messages */
    apr_pool_t *scratch; /**< destroyed at the end */
    const whk_jwk_key_type_t *type;
    const char *alg; /**< NULL, or the JWK's own `alg`, known to fit the type */
    /** The members that make the key (RFC 7638, section 3.2), as JSON text without its braces. */
    const char *members;
    whk_jwk_t *jwk;
} whk_jwk_parser_t;

/** What a JWK can be: a `kty` and, but for RSA, a `crv`. */
struct whk_jwk_key_type_t {
    const char *kty;
    const char *crv; /**< NULL: this kty has none */
    const char *name;
    const char *family;
    whk_algorithms_t algorithms;
    apr_size_t coordinate; /**< bytes of each coordinate; 0: has none */
    /** Parse the members of this type; sets jwk->pkey and members. */
    const whk_outcome_t *(*parse)(whk_jwk_parser_t *parser);
};

/** Refuse: the message is the place of `member` (NULL: of the JWK), a space, and the rest. */
const whk_outcome_t *whk_jwk_refuse(const whk_jwk_parser_t *parser, whk_code_t code,
                                    const char *member, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** `, and is NAME` for the end of a message, or "" where that is better not repeated. */
const char *whk_jwk_name_seen(const whk_jwk_parser_t *parser, const json_t *value);

/** Find out what the JWK is, and whether that is turned on: sets type. */
const whk_outcome_t *whk_jwk_find_key_type(whk_jwk_parser_t *parser);

/** Check that it is an object without a member of a private or secret key. */
const whk_outcome_t *whk_jwk_check_public(const whk_jwk_parser_t *parser);

/** Check use, key_ops, alg and kid: sets alg, jwk->algorithms and jwk->kid. */
const whk_outcome_t *whk_jwk_parse_common_members(whk_jwk_parser_t *parser);

/** A member that must be base64url.
 * @param exact  how many bytes it must be, or 0 for at least one
 * @param text   set to its text, borrowed from the JWK
 * @param bytes  set to its bytes, in the scratch pool */
const whk_outcome_t *whk_jwk_read_bytes(const whk_jwk_parser_t *parser, const char *member,
                                        apr_size_t exact, const char **text, unsigned char **bytes,
                                        apr_size_t *length);

const whk_outcome_t *whk_jwk_parse_okp(whk_jwk_parser_t *parser);
const whk_outcome_t *whk_jwk_parse_ec(whk_jwk_parser_t *parser);
const whk_outcome_t *whk_jwk_parse_rsa(whk_jwk_parser_t *parser);

/** A key of the OpenSSL type `type` from parameters; NULL where OpenSSL refuses them. */
EVP_PKEY *whk_jwk_make_pkey(const whk_jwk_parser_t *parser, const char *type,
                            OSSL_PARAM *parameters);

/** What OpenSSL itself has against a public key (EVP_PKEY_public_check): some milliseconds for RSA.
 *  What is trusted is not asked about again. */
int whk_jwk_public_check(const whk_jwk_parser_t *parser, EVP_PKEY *pkey);

/** Check x5c, where present, against jwk->pkey. */
const whk_outcome_t *whk_jwk_check_x5c(const whk_jwk_parser_t *parser);

/** whk_jwk_parse() of a fetched set, with messages that don't tell what the JWK holds. `known`:
 * NULL, or the thumbprint of a key that was found good before. */
const whk_outcome_t *whk_jwk_parse_fetched(const whk_jwk_t **jwk, const json_t *json,
                                           const char *place, const char *known,
                                           whk_algorithms_t enabled, apr_pool_t *pool);

/** Give back what signature_contexts.c cached with a key. */
void whk_jwk_release_cached(const whk_jwk_t *jwk);
