#ifndef WHK_REGISTRY_REMOTE_JWK_H
#define WHK_REGISTRY_REMOTE_JWK_H

/**
 * @file registry/remote_jwk.h
 * The key that a jwksUri leads to (contract, section 3, "What a jwksUri must be").
 */

#include "jose/jwk.h"
#include "registry/registry.h"

/**
 * Fetch the set and find the one JWK whose kid is `key_id`.
 * @return too_busy where as many fetches run as may; else as whk_fetch() and whk_jwk_set_find(),
 * and invalid_jwks where what was fetched is no JSON. No message repeats a byte of it.
 */
const whk_outcome_t *whk_remote_jwk(whk_registry_t *registry, const char *uri, const char *key_id,
                                    const whk_jwk_t **jwk);

#endif
