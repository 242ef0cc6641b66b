/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For the schemes whose signature is in headers: what a header field says, however many lines it
 * came in (RFC 9110 section 5.3, RFC 9421 section 2.1). */

#include <apr_pools.h>
#include <apr_tables.h>

#include "model/message.h"
#include "model/outcome.h"

/** The longest field, all its lines together: a list of components may ask for it many times. */
#define WHK_FIELD_MAX 32768

/** The lines of a field, each trimmed and unfolded. No other line break is in them, nor a control
 * character but a tab.
 * @param lines set to an array of `const char *`, empty where there is no such field
 * @return NULL or malformed_jws */
const whk_outcome_t *whk_field_lines(const apr_array_header_t **lines, const whk_message_t *message,
                                     const char *name, apr_pool_t *pool);

/** The same, joined by `, `.
 * @param value set to NULL where there is no such field */
const whk_outcome_t *whk_field_combined(const char **value, const whk_message_t *message,
                                        const char *name, apr_pool_t *pool);

/** A field that is a dictionary (RFC 8941).
 * @param members as of whk_sf_parse_dictionary(); NULL where there is no such field */
const whk_outcome_t *whk_field_dictionary(const apr_array_header_t **members,
                                          const whk_message_t *message, const char *name,
                                          apr_pool_t *pool);

/** The one line of a field that must come once.
 * @return NULL, signature_missing (there is none) or malformed_jws (several) */
const whk_outcome_t *whk_field_only(const char **value, const whk_message_t *message,
                                    const char *name, apr_pool_t *pool);
