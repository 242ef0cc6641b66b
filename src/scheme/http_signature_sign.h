/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The signing half of scheme_http_signature.c (RFC 9421 section 3.1, RFC 9530). */

#include "scheme/signing.h"

/** Covers @method, @target-uri, content-digest, content-type where there is one, and the policy's
 * components. As whk_scheme_t's sign. */
const whk_outcome_t *whk_http_signature_sign(apr_table_t *fields, const whk_message_t *message,
                                             const whk_signing_t *signing, apr_pool_t *pool);
