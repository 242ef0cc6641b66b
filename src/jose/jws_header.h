/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For jws_parse.c alone: the rules of the protected header (RFC 7515, section 4; RFC 7797). */

#include <apr_pools.h>

#include "jose/jws.h"

/** Read the header's JSON text: sets header, alg, type and is_encoded.
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_jws_parse_header(whk_jws_t *jws, const whk_bytes_t *json,
                                          apr_pool_t *pool);
