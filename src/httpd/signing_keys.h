/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** WebhookKeysSigningKey: the private keys of a server, the first of which signs.
 *
 * The parent process reads their files before it gives up root, when httpd starts and at each
 * reload. Children have what was in its memory when they were forked, and open none. */

#include <httpd.h>

#include <apr_tables.h>

#include "jose/private_key.h"

/** Most of them that one server has: whoever verifies fetches them all. */
#define WHK_SIGNING_KEYS_MAX 16

/** One line of the configuration. */
typedef struct whk_signing_key_line_t {
    const char *kid;
    const char *file;
} whk_signing_key_line_t;

/** What was read for a server. */
typedef struct whk_signing_keys_t {
    const apr_array_header_t *lines; /**< whk_signing_key_line_t: what it was read from */
    const apr_array_header_t *keys;  /**< const whk_private_key_t *, in the order of the lines */
    const char *jwk_set;             /**< their public halves as a JWK Set, JSON text */
    const char *etag;                /**< of that, quoted */
} whk_signing_keys_t;

/** check_config: read the keys, and find what is wrong with them or missing. */
int whk_signing_keys_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** child_init: lock in memory what the parent has. */
void whk_signing_keys_child_init(apr_pool_t *pool, server_rec *s);

/** The key that signs; NULL: the server has none. */
const whk_private_key_t *whk_signing_key_of(const server_rec *s);
