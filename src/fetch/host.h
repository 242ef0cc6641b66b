/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The host of a URI (RFC 3986 section 3.2.2) in one spelling, so that what is checked, looked up,
 * connected to and compared with a certificate is the same thing. */

#include <apr_pools.h>
#include <sys/socket.h>

typedef struct whk_host_t {
    /** A name: lower case, without the dot that may end it. An address: as inet_ntop() writes it,
     *  without brackets. */
    const char *name;
    int is_address;
    struct sockaddr_storage address; /**< port 0; only where `is_address` */
} whk_host_t;

/** Read a host: a DNS name, an IPv4 address in any spelling that a resolver would take for one
 * (`127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`), or an IPv6 address in brackets, without
 * zone.
 * @return NULL, or a phrase that completes "the host must"; nothing of `host` may be used then */
const char *whk_host_parse(whk_host_t *host, const char *text, apr_size_t length, apr_pool_t *pool);
