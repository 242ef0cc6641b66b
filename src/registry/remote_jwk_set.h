/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The key that a jwksUri leads to (docs/api.md, "What a jwksUri must be"). */

#include <jansson.h>

#include "jose/jwk.h"
#include "registry/registry.h"

/** When to ask again for an answer that is good for `lifetime`: before it ends. */
#define WHK_REFRESH_AHEAD(lifetime) ((lifetime) / 5 * 4)

/** Who has a share of the places for fetches: see whk_remote_t. */
typedef struct whk_fetch_owner_t {
    whk_fetch_kind_t kind;
    const char *enterprise_id; /**< NULL for the background */
} whk_fetch_owner_t;

/** Fetch a set, in one of the places for that.
 * @param etag for If-None-Match; NULL: none
 * @return too_busy where there is no place for it; else as whk_fetch() */
const whk_outcome_t *whk_remote_jwk_set_fetch(whk_registry_t *registry,
                                              const whk_fetch_owner_t *owner, const char *uri,
                                              const char *etag, whk_fetched_t *fetched);

/** How long an answer is good: what it says itself, within what the operator lets. */
apr_interval_time_t whk_remote_lifetime(const whk_policy_t *policy, const whk_fetched_t *fetched);

/** How long a set is good still, at most `most` (WebhookKeysJwksUriRefresh); below 0, how long it
 * has not been. 0 where it would be good for longer than that: a wrong clock wrote it. */
apr_interval_time_t whk_remote_fresh_for(apr_time_t fresh_until, apr_time_t now,
                                         apr_interval_time_t most);

/** Fetch a set and read its JSON.
 * @param lifetime set to how long the answer is good
 * @return as whk_remote_jwk_set_fetch(), and invalid_jwks where what was fetched is no JSON. No
 * message repeats a byte of it. */
const whk_outcome_t *whk_remote_jwk_set_read(whk_registry_t *registry,
                                             const whk_fetch_owner_t *owner, const char *uri,
                                             json_t **set, apr_interval_time_t *lifetime);

/** Fetch the set and find the one JWK whose kid is `key_id`.
 * @return as whk_remote_jwk_set_read() and whk_jwk_set_find() */
const whk_outcome_t *whk_remote_jwk_find(whk_registry_t *registry, const whk_fetch_owner_t *owner,
                                         const char *uri, const char *key_id, const whk_jwk_t **jwk,
                                         apr_interval_time_t *lifetime);
