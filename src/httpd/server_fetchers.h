/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The fetchers of this process, one for each virtual host whose directives differ. */

#include <httpd.h>

#include "registry/registry.h"

/** post_config: make what all processes share. */
int whk_server_fetchers_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                    server_rec *s);

/** child_init: make the fetchers. One that can't be made is logged, and its jwksUris are refused.
 */
void whk_server_fetchers_child_init(apr_pool_t *pool, server_rec *s);

/** That of a server. */
const whk_remote_t *whk_server_fetchers_of(const server_rec *s);
