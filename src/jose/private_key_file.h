/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A file that holds a private key, which nobody but its owner may know. */

#include "jose/private_key.h"

/** Read one. It must be a regular file, not a link to one, of this user's or root's, that nobody
 * but its owner can read or write. Its bytes are wiped before this returns.
 * @param file a path
 * @param kid  borrowed
 * @return NULL, or a text that names the file, what is wrong and what would be right */
const char *whk_private_key_file_read(const whk_private_key_t **key, const char *kid,
                                      const char *file, apr_pool_t *pool);
