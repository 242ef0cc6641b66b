/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the operator may set for the fetches of JWK Sets. */

#include <apr_pools.h>
#include <apr_time.h>

#include "fetch/allow_list.h"

typedef struct whk_fetch_settings_t {
    const whk_allow_list_t *allowed;     /**< never NULL; must live as long as the fetcher */
    apr_interval_time_t timeout;         /**< of a whole fetch, name resolution included */
    apr_interval_time_t connect_timeout; /**< of name resolution, TCP and TLS handshake together */
    apr_size_t max_bytes;                /**< of the body, after decompression */
    apr_interval_time_t dns_lifetime; /**< how long an answer of the resolver is kept; 0: not at all
                                       */
    const char *ca_file;              /**< PEM, the only authorities trusted; NULL: the system's */
    const char *proxy; /**< http:// or https:// URL of the operator's egress proxy; NULL: none */
} whk_fetch_settings_t;

/** An empty allow list; 5 s, 2 s, 64 KiB; DNS answers for 60 s; the system's CAs; no proxy. */
void whk_fetch_settings_default(whk_fetch_settings_t *settings, apr_pool_t *pool);

/** NULL, or a phrase that completes "the proxy must". */
const char *whk_fetch_proxy_flaw(const char *proxy);

/** NULL, or a phrase that completes "the CA file must". Reads the file; `pool` is for the while. */
const char *whk_fetch_ca_file_flaw(const char *ca_file, apr_pool_t *pool);
