/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Keys and events as the API shows them (docs/api.md, "List" and "Events"); whkctl --json shows
 * the same. Each returns a new reference, or NULL if out of memory. */

#include <jansson.h>

#include "model/event.h"
#include "registry/jws_verification.h"
#include "registry/listing.h"

/** The answer to a registration. */
json_t *whk_key_created_json(const whk_key_t *key, apr_pool_t *pool);
/** An element of a list; one key's metadata. */
json_t *whk_key_json(const whk_key_t *key, apr_pool_t *pool);
/** `{"success":true,…}` of a revoked key. */
json_t *whk_key_revoked_json(const whk_key_t *key, apr_pool_t *pool);
/** Add `warnings` (registry/key_warnings.h) to an answer where there are any. @return `value` */
json_t *whk_json_warn(json_t *value, const apr_array_header_t *warnings);
json_t *whk_event_json(const whk_event_t *event, apr_pool_t *pool);
/** `{"keys":[…],"total":…,"limit":…,"prevId":…}` */
json_t *whk_key_page_json(const whk_page_t *page, apr_pool_t *pool);
/** `{"events":[…],…}` */
json_t *whk_event_page_json(const whk_page_t *page, apr_pool_t *pool);

/** `{"valid":…,"keyId":…}` */
json_t *whk_jws_verification_json(const whk_jws_verification_t *verification);
