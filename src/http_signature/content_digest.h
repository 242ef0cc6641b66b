/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `Content-Digest` (RFC 9530): what ties a body to a signature over headers. */

#include <apr_pools.h>

#include "jose/signature.h"
#include "model/message.h"
#include "model/outcome.h"

/** The digests of a body that a message claims. */
typedef struct whk_content_digest_t whk_content_digest_t;

/** Read the header.
 * @return NULL, malformed_jws, or digest_mismatch where it holds neither sha-256 nor sha-512 */
const whk_outcome_t *whk_content_digest_read(const whk_content_digest_t **digest,
                                             const whk_message_t *message, apr_pool_t *pool);

/** Compare with the body: each that is known must be right. @return NULL or digest_mismatch */
const whk_outcome_t *whk_content_digest_check(const whk_content_digest_t *digest,
                                              const whk_bytes_t *body, apr_pool_t *pool);

/** What the header is for a body: its sha-256. @return NULL where OpenSSL can't compute it */
const char *whk_content_digest_make(const whk_bytes_t *body, apr_pool_t *pool);
