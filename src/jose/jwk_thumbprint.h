/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** JWK thumbprints (RFC 7638) with SHA-256, in base64url. */

#include <apr_pools.h>

/** @param text JSON of the required members, in their order (RFC 7638, section 3)
 * @return NULL: OpenSSL has no SHA-256 */
const char *whk_jwk_thumbprint(const char *text, apr_pool_t *pool);

/** Of a stored `public_json` (jose/jwk.h), which is not checked; NULL as above. */
const char *whk_jwk_stored_thumbprint(const char *public_json, apr_pool_t *pool);
