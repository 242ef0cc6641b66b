/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Does a message say what it must say? (docs/directives/sending.md, "WebhookKeysResponseClaim") */

#include "scheme/signed_message.h"

/** What a claim must be equal to. */
typedef struct whk_expected_claim_t {
    const char *name;
    const char *value; /**< UTF-8 */
} whk_expected_claim_t;

/**
 * Compare the claims of a verified message, of `jws-detached` the members of its header. A text is
 * equal to its bytes, a boolean to `true` or `false`, a whole number to its decimal digits, and any
 * other number to each way in which JSON writes that number. Nothing else is equal to anything, nor
 * is anything equal to an empty value.
 * @param expected whk_expected_claim_t
 * @return NULL or claim_mismatch, which tells the claim's name alone */
const whk_outcome_t *whk_signed_message_check_claims(const whk_signed_message_t *message,
                                                     const apr_array_header_t *expected,
                                                     apr_pool_t *pool);
