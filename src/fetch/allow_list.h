/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The operator's exceptions from the address guard (`WebhookKeysJwksUriAllow`): address ranges,
 * and the names of hosts. */

#include <apr_pools.h>
#include <sys/socket.h>

typedef struct whk_allow_list_t whk_allow_list_t;

/** An empty list: no exceptions. Once filled it may be read by any number of threads. */
whk_allow_list_t *whk_allow_list_create(apr_pool_t *pool);

/** Add an entry: `10.1.2.0/24`, `10.1.2.3`, `fd12::/16`, or the name of one host (`keys.internal`;
 * no wildcard, no port).
 * @return NULL, or a phrase that completes "… must": then nothing was added */
const char *whk_allow_list_add(whk_allow_list_t *list, const char *entry);

/** Whether `address` is in one of the ranges. As the guard does, this takes addresses for what they
 * are: a range of IPv4 addresses says nothing of their IPv4-mapped IPv6 forms. */
int whk_allow_list_has_address(const whk_allow_list_t *list, const struct sockaddr *address);

/** Whether a host of this name (a whk_host_t's) may have any address. */
int whk_allow_list_has_host(const whk_allow_list_t *list, const char *name);
