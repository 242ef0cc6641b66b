/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A JWS that an admin wants verified by one key, to try out a signer. Webhooks are
 * registry/webhook_signature.h's. */

#include "registry/registry.h"

/** What was found of a signature that an admin wants verified. */
typedef struct whk_jws_verification_t {
    const char *key_id;
    const char *algorithm;        /**< as JWS names it; NULL: not valid */
    const whk_outcome_t *outcome; /**< why it is not valid; NULL: it is */
} whk_jws_verification_t;

/** Try a JWS against one key (docs/api.md, "Verify"). Times are not checked. A key by jwksUri is
 * fetched meanwhile where the set at hand is not fresh.
 * @param body    the request's JSON text
 * @param verification set on success, valid or not
 * @return key_not_found, invalid_json, invalid_request, or a 5xx */
const whk_outcome_t *whk_verify_jws(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, const char *body, apr_size_t length,
                                    whk_jws_verification_t *verification);
