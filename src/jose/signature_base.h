#ifndef WHK_JOSE_SIGNATURE_BASE_H
#define WHK_JOSE_SIGNATURE_BASE_H

/**
 * @file jose/signature_base.h
 * What an HTTP message signature is made over (RFC 9421, section 2), for requests. Read are fields
 * without parameters and @method, @target-uri, @authority, @scheme, @request-target, @path, @query
 * and @query-param; anything else is refused rather than guessed.
 */

#include "jose/signed_message.h"
#include "jose/structured_field.h"

/**
 * The signature base of the components that a member of `Signature-Input` lists.
 * @return NULL, or malformed_jws where a component comes twice, is not there, or is not read
 */
const whk_outcome_t *whk_signature_base(const char **base, const whk_sf_member_t *input,
                                        const whk_message_t *message, apr_pool_t *pool);

/** Does the list cover a component, in its plain form? */
int whk_signature_base_covers(const whk_sf_member_t *input, const char *name);

/** The values of a field as one (RFC 9421, section 2.1), or NULL where there is none. */
const char *whk_signature_base_field(const whk_message_t *message, const char *name,
                                     apr_pool_t *pool);

#endif
