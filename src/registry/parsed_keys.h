/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The parsed keys that a process keeps, since to parse one costs more than many verifications.
 * Beyond WHK_PARSED_MOST the one used longest ago goes. Each is found at its place: a pointer of
 * whoever has its JWK, which is set and cleared here alone. Any thread may call. */

#include "jose/jwk.h"

/** Some 10 KiB each. */
#define WHK_PARSED_MOST 1024

typedef struct whk_parsed_keys_t whk_parsed_keys_t;

typedef struct whk_parsed_key_t whk_parsed_key_t;

/** NULL: out of memory. */
whk_parsed_keys_t *whk_parsed_keys_create(apr_pool_t *pool);

/** The key at a place, used now, with one reference more; NULL where none is kept. */
whk_parsed_key_t *whk_parsed_keys_get(whk_parsed_keys_t *keys, whk_parsed_key_t **place);

/** Parse a JWK as it is stored, with one reference, and keep it at `place` where nobody did
 *  meanwhile; NULL where it can't be parsed. */
whk_parsed_key_t *whk_parsed_keys_parse(whk_parsed_keys_t *keys, whk_parsed_key_t **place,
                                        const char *jwk);

/** What is at one place, if anything, is at another from now on. */
void whk_parsed_keys_move(whk_parsed_keys_t *keys, whk_parsed_key_t **from, whk_parsed_key_t **to);

/** The place goes: keep nothing at it. Who holds what was there may go on. */
void whk_parsed_keys_drop(whk_parsed_keys_t *keys, whk_parsed_key_t **place);

const whk_jwk_t *whk_parsed_key_jwk(const whk_parsed_key_t *key);

/** One reference less; it is freed with its last. */
void whk_parsed_key_release(whk_parsed_key_t *key);
