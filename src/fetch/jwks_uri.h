/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The syntax of a jwksUri (RFC 3986, RFC 9110 section 4.2.2; docs/api.md, "What a jwksUri must
 * be"). What two parsers could read in two ways is refused, and the parser that connects must agree
 * with ours. */

#include <apr_pools.h>
#include <curl/curl.h>

#include "fetch/allow_list.h"
#include "fetch/host.h"
#include "model/outcome.h"

/** The longest jwksUri, in bytes. */
#define WHK_JWKS_URI_MAX 2048

typedef struct whk_jwks_uri_t {
    int is_http; /**< `http`, which only the operator's exceptions may have */
    whk_host_t host;
    int port;
    CURLU *parsed; /**< what libcurl is to fetch; freed with the pool */
} whk_jwks_uri_t;

/** Check a jwksUri: ASCII of RFC 3986's characters, at most WHK_JWKS_URI_MAX bytes, `https` (`http`
 * where `allowed` has the host's name, or the address where the host is one), a host, a port of 1
 * to 65535 if any, no user info, no fragment. An internationalized host name comes in its xn--
 * form. A dot that ends the host is dropped.
 * @param uri set on success, to live in `pool`
 * @return NULL, or invalid_jwks_uri. Whether the host may be connected to is not checked here. */
const whk_outcome_t *whk_jwks_uri_parse(whk_jwks_uri_t **uri, const char *text,
                                        const whk_allow_list_t *allowed, apr_pool_t *pool);
