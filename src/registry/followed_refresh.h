/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What is new in a set that was fetched again becomes keys of those who follow it. */

#include "registry/followed_set.h"

/** Take what is new, for each enterprise in a transaction of its own, behind whk_rotate_keys().
 * Nothing where WebhookKeysJwksUriFollow is off.
 * @param keys     `whk_key_t *`, ACTIVE, as they were before the fetch: of all who have this set
 * @param complete set to 0 where the set is to be read again though it stays as it is: something in
 *                 it is no key yet, and might become one
 * @return NULL, too_busy where this process ends, or the store's first failure, behind which the
 *         other enterprises went on */
const whk_outcome_t *whk_followed_sets_refresh(whk_registry_t *registry,
                                               const apr_array_header_t *keys, const json_t *set,
                                               int (*is_stopping)(void *baton), void *baton,
                                               int *complete);
