/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `Accept-Signature` (RFC 9421, section 5.1): what a signature of the scheme `http-signature` must
 * be, told to whoever sent none, or another. */

#include <apr_pools.h>
#include <apr_tables.h>

/** The field's value: one member, `sig1`, with the components to be covered and the parameters
 * `created`, which has no value there, and `tag`. Which `keyid` is the signer's to say.
 *
 * No nonce is asked for: it would have to be a new one each time, and whoever kept this value would
 * be refused as `replayed` from the second request on.
 *
 * @param required WebhookKeysRequiredComponents; NULL: what is asked for without it
 * @param tag      WebhookKeysSignatureTag; NULL: none
 * @param has_body the request has one, which must then be covered
 * @return NULL where no signature could have that tag, since it is not ASCII */
const char *whk_accept_signature(const apr_array_header_t *required, const char *tag, int has_body,
                                 apr_pool_t *pool);
