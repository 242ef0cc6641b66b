/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** JSON text (RFC 8259) read strictly: UTF-8, one value, no repeated member names, no trailing
 * bytes, nesting of at most WHK_JSON_DEPTH_MAX, no more than WHK_JSON_COUNT_MAX objects and arrays.
 */

#include <apr_pools.h>
#include <jansson.h>

#include "model/outcome.h"

#define WHK_JSON_DEPTH_MAX 16
#define WHK_JSON_COUNT_MAX 1024

/** @param value set on success to any JSON value (scalars too); freed with `pool`
 * @param what  names the text in messages, as `the body`
 * @return NULL or invalid_json with line and column; the message repeats no byte of the text */
const whk_outcome_t *whk_json_parse(json_t **value, const char *text, apr_size_t length,
                                    const char *what, apr_pool_t *pool);

/** The same, with whole numbers as they are, not as the nearest double: invalid_json too where one
 * has more than 64 bits. */
const whk_outcome_t *whk_json_parse_exact(json_t **value, const char *text, apr_size_t length,
                                          const char *what, apr_pool_t *pool);

/** Free `value` with `pool`; for values made by hand. @return `value` */
json_t *whk_json_adopt(apr_pool_t *pool, json_t *value);

/** Compact JSON text in `pool`, members in the order they were set; NULL if out of memory. */
const char *whk_json_text(apr_pool_t *pool, const json_t *value);
