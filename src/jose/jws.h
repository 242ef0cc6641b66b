#ifndef WHK_JOSE_JWS_H
#define WHK_JOSE_JWS_H

/**
 * @file jose/jws.h
 * A JWS in compact form (RFC 7515, section 3.1), with its payload attached or detached (appendix
 * F), the latter also unencoded (RFC 7797). Neither of the JSON forms is read.
 */

#include <apr_pools.h>
#include <jansson.h>

#include "jose/jwk.h"
#include "jose/signature.h"
#include "jose/signed_message.h"
#include "model/outcome.h"

/** The longest header, decoded, in bytes. */
#define WHK_JWS_HEADER_MAX 8192

/** What `typ` says (RFC 7515, section 4.1.9; RFC 8725, section 3.11). */
typedef enum {
    WHK_JWS_UNTYPED,
    WHK_JWS_OF_CLAIMS, /**< `JWT`, or a type that ends in `+jwt` */
    WHK_JWS_OF_OTHER
} whk_jws_type_t;

typedef struct whk_jws_t {
    const json_t *header;
    const char *alg;
    whk_jws_type_t type;
    whk_bytes_t signed_text; /**< as sent: the header and, where attached, a dot and the payload */
    whk_bytes_t payload;     /**< decoded */
    int is_detached;
    int is_encoded;        /**< `b64`: the payload was signed in base64url */
    whk_bytes_t signature; /**< decoded; empty where `alg` is `none` */
} whk_jws_t;

/**
 * Read what a JWS is, and by the rules whether it may be one: needs no key.
 * @param detached NULL: the payload must be in `text`; else it is this, borrowed, and must not be
 * @return NULL or malformed_jws
 */
const whk_outcome_t *whk_jws_read(whk_jws_t **jws, const char *text, apr_size_t length,
                                  const whk_bytes_t *detached, apr_pool_t *pool);

/**
 * Read a JSON object of a JWS: its header or its claims.
 * @param what names it in messages, as `the JWS header`
 * @return NULL or malformed_jws
 */
const whk_outcome_t *whk_jws_read_object(const json_t **object, const whk_bytes_t *text,
                                         const char *what, apr_pool_t *pool);

/**
 * Read the payload of a JWS that was verified as claims (RFC 7519, section 4).
 * @return NULL or malformed_jws
 */
const whk_outcome_t *whk_jws_read_claims(const json_t **claims, const whk_jws_t *jws,
                                         const char *what, apr_pool_t *pool);

/** Take over from the header what a signed message tells: kid, times, jti, aud, iss. */
const whk_outcome_t *whk_jws_describe(whk_signed_message_t *message, const whk_jws_t *jws,
                                      apr_pool_t *pool);

/** The last step of a verification: the message is named by its jti, or else by its signature. */
void whk_jws_name(whk_signed_message_t *message, const whk_jws_t *jws, apr_pool_t *pool);

/** Where its jti is a claim: name it also as it would be if its payload were sent apart, when
 * nobody reads claims. */
void whk_jws_name_detached(whk_signed_message_t *message, const whk_jws_t *jws, apr_pool_t *pool);

/** As whk_scheme_verifier_t's, for a JWS. */
const whk_outcome_t *whk_jws_verify(const whk_jws_t *jws, const whk_jwk_t *jwk,
                                    whk_algorithms_t enabled, const char **algorithm,
                                    apr_pool_t *pool);

#endif
