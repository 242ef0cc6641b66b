/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Changing the key that seals, step by step: a next one is added, promoted, and the previous one
 * dropped. Each answer is made anew and lives in `pool`. */

#include "otp/secret_key.h"

int whk_secret_key_has_next(const whk_secret_key_t *key);
int whk_secret_key_has_previous(const whk_secret_key_t *key);

/** With a fresh key as next, where it has none; NULL: no random bytes are to be had. */
const whk_secret_key_t *whk_secret_key_add_next(apr_pool_t *pool, const whk_secret_key_t *key);

/** Its next key seals, and the one that sealed becomes the previous. */
const whk_secret_key_t *whk_secret_key_promote(apr_pool_t *pool, const whk_secret_key_t *key);

/** Without the previous key. */
const whk_secret_key_t *whk_secret_key_drop_previous(apr_pool_t *pool, const whk_secret_key_t *key);
