/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What an HTTP message signature signs (RFC 9421 section 2): the components that its list covers,
 * as they are in the message that arrived.
 *
 * Refused are, besides what the RFC refuses: the parameters `sf` and `tr`, `req` where the message
 * is no response to a known request, values that are not ASCII, and values of more than
 * WHK_SIGNATURE_BASE_MAX bytes together. */

#include <apr_pools.h>

#include "http_signature/structured_field.h"
#include "model/message.h"
#include "model/outcome.h"

#define WHK_SIGNATURE_BASE_MAX 65536

/** Make the signature base.
 * @param input the inner list of `Signature-Input` with its parameters
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_signature_base(const char **base, const whk_message_t *message,
                                        const whk_sf_item_t *input, apr_pool_t *pool);

/** Whether a component is covered, by this name and, but for `is_any`, without parameters. One of
 * the request that a response answers is another: it has the parameter req. */
int whk_signature_base_covers(const whk_sf_item_t *input, const char *name, int is_any);

/** The same of a component of that request: but for `is_any`, with no parameter but req. */
int whk_signature_base_covers_request(const whk_sf_item_t *input, const char *name, int is_any);
