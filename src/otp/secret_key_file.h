/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The secret key file, which lies beside the store and never in it: the keys of what is sealed.
 *
 * Its first line is a key, 32 random bytes as 43 characters of base64url: the key that seals. While
 * keys are changed (`whkctl secret rotate`) a line `<43 characters> next` holds one that is known
 * but does not seal yet, or a line `<43 characters> previous` one that seals no longer. Each of
 * them opens. A line `sealed <22 characters>` says of a registry that its rows were sealed once, so
 * that no rows without a seal are to be taken for good there again. */

#include "otp/secret_key.h"

/** Read a key file. It must be a regular file that nobody but its owner can read or write.
 * @param flaw set on failure to a sentence that names the file, what is wrong and what would be
 * right
 * @return the keys (wiped when `pool` goes), or NULL */
const whk_secret_key_t *whk_secret_key_load(apr_pool_t *pool, const char *file, const char **flaw);

/** Make a key file, mode 0600; never overwrites. @return 1, or 0 with `flaw` set. */
int whk_secret_key_create(apr_pool_t *pool, const char *file, const char **flaw);

/** Put these keys in the place of a key file, whose owner, group and mode stay: all of it or
 *  nothing, and durably. The caller lets one at a time do so. @return 1, or 0 with `flaw` set. */
int whk_secret_key_write(apr_pool_t *pool, const whk_secret_key_t *key, const char *file,
                         const char **flaw);

/* ---- registries whose rows were sealed ---- */

/** True where the file says of this registry (its DBDParams) that its rows were sealed. */
int whk_secret_key_has_mark(apr_pool_t *pool, const whk_secret_key_t *key, const char *registry);

/** Of how many registries the file says so. */
int whk_secret_key_marks(const whk_secret_key_t *key);

/** Open a key file for whk_secret_key_mark(), while we may still do so. @return -1: errno */
int whk_secret_key_open_marks(const char *file);

/** Say of a registry that its rows were sealed. @return 1, or 0 with errno */
int whk_secret_key_mark(apr_pool_t *pool, int descriptor, const char *registry);
