/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A JWS in compact form (RFC 7515, section 3.1), with its payload attached or detached (appendix
 * F), the latter also unencoded (RFC 7797). Neither of the JSON forms is read. */

#include <apr_pools.h>
#include <jansson.h>

#include "jose/jwk.h"
#include "jose/signature.h"
#include "model/outcome.h"

/** The longest header, decoded, in bytes. */
#define WHK_JWS_HEADER_MAX 8192

/** What `typ` says (RFC 7515, section 4.1.9; RFC 8725, section 3.11). */
typedef enum {
    WHK_JWS_TYPE_NONE,
    WHK_JWS_TYPE_JWT, /**< `JWT`, or a type that ends in `+jwt` */
    WHK_JWS_TYPE_OTHER
} whk_jws_type_t;

typedef struct whk_jws_t {
    const json_t *header;
    whk_bytes_t header_text; /**< decoded */
    const char *alg;
    whk_jws_type_t type;
    whk_bytes_t
        signing_input;   /**< as sent: the header and, where attached, a dot and the payload */
    whk_bytes_t payload; /**< decoded */
    int is_detached;
    int is_encoded;        /**< `b64`: the payload was signed in base64url */
    whk_bytes_t signature; /**< decoded; empty where `alg` is `none` */
} whk_jws_t;

/** Read what a JWS is, and by the rules whether it may be one: needs no key.
 * @param detached NULL: the payload must be in `text`; else it is this, borrowed, and must not be
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_jws_parse(whk_jws_t **jws, const char *text, apr_size_t length,
                                   const whk_bytes_t *detached, apr_pool_t *pool);

/** Read a JSON object of a JWS: its header or its claims.
 * @param what names it in messages, as `the JWS header`
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_jws_parse_object(const json_t **object, const whk_bytes_t *text,
                                          const char *what, apr_pool_t *pool);

/** Verify it with a key.
 * @param enabled   the algorithms that are on
 * @param algorithm set on success to the JWS name of what verified it
 * @return NULL, algorithm_mismatch or bad_signature */
const whk_outcome_t *whk_jws_verify(const whk_jws_t *jws, const whk_jwk_t *jwk,
                                    whk_algorithms_t enabled, const char **algorithm,
                                    apr_pool_t *pool);
