/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What an admin may read of an enterprise: its keys and its events, whose seals are checked. A key
 * whose planned time has come is REVOKED, whether its row says so yet or not. */

#include "registry/registry.h"

/** A page of a list: `whk_key_t *` or `whk_event_t *`, and how many there are in all. */
typedef struct whk_page_t {
    apr_array_header_t *items;
    apr_int64_t total;
    int limit;
    apr_int64_t offset;
} whk_page_t;

/** `status` is NULL, `ACTIVE` or `REVOKED`; `page` holds limit and offset and is filled. */
const whk_outcome_t *whk_list_keys(whk_registry_t *registry, const whk_caller_t *caller,
                                   const char *status, whk_page_t *page);

/** whk_key_not_found() where there is none. */
const whk_outcome_t *whk_get_key(whk_registry_t *registry, const whk_caller_t *caller,
                                 const char *key_id, whk_key_t **key);

/** `page` holds limit and offset and is filled, newest first. */
const whk_outcome_t *whk_list_events(whk_registry_t *registry, const whk_caller_t *caller,
                                     whk_page_t *page);

/** The answer to a keyId that an enterprise has no key of. */
const whk_outcome_t *whk_key_not_found(apr_pool_t *pool);
