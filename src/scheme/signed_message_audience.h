/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Whom a verified message is for and from (RFC 7519, sections 4.1.1 and 4.1.3). */

#include "scheme/signed_message.h"

/** Check aud and iss by the policy that it was parsed by.
 * @return NULL, wrong_audience or wrong_issuer */
const whk_outcome_t *whk_signed_message_check_audience(const whk_signed_message_t *message,
                                                       apr_pool_t *pool);
