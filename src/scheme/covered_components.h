/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which components an HTTP message signature must cover (RFC 9421, section 1.4). */

#include "http_signature/structured_field.h"
#include "scheme/signed_message.h"

/** @param input the inner list of `Signature-Input`
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_covered_components_check(const whk_sf_item_t *input,
                                                  const whk_message_t *message,
                                                  const whk_scheme_policy_t *policy,
                                                  apr_pool_t *pool);
