/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Requests that are sent again because their answer was lost: under an Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header) the same caller gets the first answer to the same
 * body again, for WHK_IDEMPOTENCY_LIFETIME, on each node.
 *
 * A row is worth its seal: one that does not fit is none, and neither is one that is too old, or of
 * a time that has not come. Then the request is as any other. */

#include <jansson.h>

#include "registry/registry.h"
#include "store/enterprises.h"
#include "store/idempotency_keys.h"

#define WHK_IDEMPOTENCY_LIFETIME apr_time_from_sec(24 * 3600)

/** A request that has an Idempotency-Key. */
typedef struct whk_idempotent_t {
    const char *key;       /**< whk_idempotency_key_read(); NULL: the request has none */
    const char *body_hash; /**< whk_sha256_hex() */
} whk_idempotent_t;

/** The value of the header field: a String (RFC 8941, section 3.3.3), or for clients that send it
 * bare 1 to 255 visible characters without a comma, a semicolon or a quote.
 * @return the key, 1 to 255 characters; NULL: it is neither */
const char *whk_idempotency_key_read(apr_pool_t *pool, const char *field);

/** What was answered to this caller under `key`; NULL: nothing. In a transaction or outside. */
const whk_outcome_t *whk_idempotency_find(whk_store_t *store, apr_pool_t *pool,
                                          const whk_secret_key_t *secret,
                                          const whk_caller_t *caller, const char *key,
                                          whk_idempotency_key_t **earlier);

/** The first answer again.
 * @param answer set to the JSON of a success; freed with `pool`
 * @return NULL, the refusal of then, or idempotency_key_reused where it was to another body */
const whk_outcome_t *whk_idempotency_answer(apr_pool_t *pool, const whk_idempotency_key_t *earlier,
                                            const char *body_hash, json_t **answer);

/** [T] Remember an answer, in the transaction of what it tells, and forget those that are too old.
 * @param refusal NULL: a success, of which `answer` is the JSON */
const whk_outcome_t *whk_idempotency_remember(whk_store_t *store, apr_pool_t *pool,
                                              const whk_secret_key_t *secret,
                                              const whk_caller_t *caller,
                                              const whk_idempotent_t *request,
                                              const whk_outcome_t *refusal, const char *answer);
