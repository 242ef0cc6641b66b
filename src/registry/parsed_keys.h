/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The parsed keys that a process keeps, since to parse one costs more than many verifications.
 * Beyond a size the one used longest ago goes. Each is found at its place: a pointer of
 * whoever has its JWK, which is set and cleared here alone. Any thread may call. */

#include "jose/jwk.h"

/** What one takes, in bytes, about. */
#define WHK_PARSED_KEY_SIZE 4096

typedef struct whk_parsed_keys_t whk_parsed_keys_t;

typedef struct whk_parsed_key_t whk_parsed_key_t;

/** @param size the bytes that they may take together; one is kept in any case
 * @return NULL: out of memory */
whk_parsed_keys_t *whk_parsed_keys_create(apr_size_t size, apr_pool_t *pool);

/** The key at a place, used now, with one reference more; NULL where none is kept. */
whk_parsed_key_t *whk_parsed_keys_get(whk_parsed_keys_t *keys, whk_parsed_key_t **place);

/** Parse a JWK as it is stored, with one reference, and keep it at `place` where nobody did
 * meanwhile. `pool` is for the while.
 * @return NULL where it can't be parsed */
whk_parsed_key_t *whk_parsed_keys_parse(whk_parsed_keys_t *keys, whk_parsed_key_t **place,
                                        const char *jwk, apr_pool_t *pool);

/** What is at one place, if anything, is at another from now on. */
void whk_parsed_keys_move(whk_parsed_keys_t *keys, whk_parsed_key_t **from, whk_parsed_key_t **to);

/** The place goes: keep nothing at it. Who holds what was there may go on. */
void whk_parsed_keys_drop(whk_parsed_keys_t *keys, whk_parsed_key_t **place);

const whk_jwk_t *whk_parsed_key_jwk(const whk_parsed_key_t *key);

/** One reference less; it is freed with its last. */
void whk_parsed_key_release(whk_parsed_key_t *key);

/** How many bytes those that are kept take, about. */
apr_size_t whk_parsed_keys_bytes(whk_parsed_keys_t *keys);
