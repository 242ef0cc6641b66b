/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The keys of those enterprises that were asked for last, in a process: as many as go into a
 * size, beyond which those asked for longest ago go. Any thread may call. */

#include "registry/enterprise_keys.h"

typedef struct whk_recent_keys_t whk_recent_keys_t;

/** @param size   the bytes that they may take together, without parsed keys; those of one
 *                enterprise are kept in any case
 * @param parsed where their parsed keys are; borrowed
 * @return NULL: out of memory */
whk_recent_keys_t *whk_recent_keys_create(apr_size_t size, whk_parsed_keys_t *parsed,
                                          apr_pool_t *pool);

/** Those of an enterprise, asked for now, with one reference more; NULL where none are kept.
 * @param generation of the directory (registry/enterprise_directory.h): what was kept in an older
 *                   one is dropped, and what is kept in a newer one is not for whoever asks */
whk_enterprise_keys_t *whk_recent_keys_get(whk_recent_keys_t *recent, const char *enterprise_id,
                                           apr_uint32_t generation);

/** Keep these, in the place of older ones, with a reference of its own. */
void whk_recent_keys_put(whk_recent_keys_t *recent, whk_enterprise_keys_t *keys,
                         apr_uint32_t generation);

/** How many bytes those that are kept take. */
apr_size_t whk_recent_keys_bytes(whk_recent_keys_t *recent);
