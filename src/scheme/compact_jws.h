/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A JWS in compact form on its own, in no request: as `verify` of the API takes it. */

#include "scheme/signed_message.h"

/** Parse it.
 * @param payload NULL: attached, or `<header>..<signature>` over no bytes at all; else the bytes of
 * a detached payload (RFC 7515 appendix F) */
const whk_outcome_t *whk_compact_jws_parse(whk_signed_message_t **parsed, const char *jws,
                                           apr_size_t jws_length, const char *payload,
                                           apr_size_t payload_length, apr_pool_t *pool);
