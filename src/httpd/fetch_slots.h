/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The places of fetches of jwksUris in all processes of this httpd (WebhookKeysMaxFetches): a slot
 * each in shared memory, which holds the pid of who took it, so that the slots of a process that
 * was killed come free again, and the enterprise.
 *
 * Who gets how many of n: the first slot is the background's alone, which takes a quarter of n of
 * the others too where they are free. One enterprise has a quarter of n, and at least one; of these
 * at most one for what needs no one-time password. An enterprise is known by 30 bits of a hash of
 * its id: two that share them share what one has. */

#include <httpd.h>

#include "registry/registry.h"

/** The fewest that serve both the background and a request. */
#define WHK_FETCH_SLOTS_LEAST 2

/** post_config: make the slots.
 * @param count how many; 0: a quarter of the workers, and at least WHK_FETCH_SLOTS_LEAST */
apr_status_t whk_fetch_slots_create(apr_pool_t *pconf, int count);

/** child_init: this process begins with none, whoever had its pid before. */
void whk_fetch_slots_child_init(void);

/** Take one: as whk_remote_t says. */
int whk_fetch_slots_take(void *unused, whk_fetch_kind_t kind, const char *enterprise_id);

/** Release what whk_fetch_slots_take() of this process gave. */
void whk_fetch_slots_release(void *unused, int place);
