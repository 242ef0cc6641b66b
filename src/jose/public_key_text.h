/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A public key as other systems write it: PEM (RFC 7468: `PUBLIC KEY`, `RSA PUBLIC KEY`, or a
 * `CERTIFICATE`, of which the key alone counts), or `whpk_` and the base64 of an Ed25519 key, as
 * Standard Webhooks has it. */

#include <jansson.h>

#include "model/outcome.h"

/** Read one.
 * @param jwk  set to its JWK, whose members nobody has checked: whk_jwk_parse() does; freed with
 *             `pool`
 * @param text one key, and whatever PEM allows around it
 * @return NULL, invalid_jwks, unsupported_key or private_key_material; messages begin with `key`
 *         and repeat nothing of the text */
const whk_outcome_t *whk_public_key_text_read(json_t **jwk, const char *text, apr_size_t length,
                                              apr_pool_t *pool);
