/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Key sets by URI, fetched again in the background (docs/directives/key-sets.md,
 * "WebhookKeysJwksUriRefresh"; docs/directives/node.md, "WebhookKeysMaxStale"). */

#include "registry/registry.h"

typedef struct whk_refresh_t {
    apr_interval_time_t max_stale; /**< WebhookKeysMaxStale */
    /** A set could not be fetched, or can be again: for the log. `outcome` is NULL for the latter;
     *  `where` is the URI without its query. */
    void (*report)(void *baton, const char *where, const whk_outcome_t *outcome);
    int (*is_stopping)(void *baton); /**< true: go home */
    void *baton;
} whk_refresh_t;

/** Fetch the sets that are due, one after another; each is one process's of the whole fleet
 * meanwhile. What changes what verifies is written with a new revision of its enterprise, and a key
 * that was changed is in the audit trail, once. A set that was good too long ago ends its keys,
 * also where no fetch could be tried. What stands further ahead than it can have been written is
 * due.
 * @return NULL, or the store's failure: what was due then is due still */
const whk_outcome_t *whk_refresh_due_sets(whk_registry_t *registry, const whk_refresh_t *refresh);
