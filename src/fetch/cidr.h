/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A range of IP addresses in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3). */

#include <sys/socket.h>

typedef struct whk_cidr_t {
    int family; /**< AF_INET or AF_INET6 */
    unsigned char bytes[16];
    int bits; /**< length of the prefix */
} whk_cidr_t;

/** Read `10.0.0.0/8`, `fc00::/7`, or a lone address, which is a range of one.
 * @return NULL, or a phrase that completes "… must": then nothing of `range` may be used */
const char *whk_cidr_parse(whk_cidr_t *range, const char *text);

/** Whether `address` lies in the range. Families are never mixed: `127.0.0.0/8` does not contain
 * `::ffff:127.0.0.1`. A zone (scope id) is ignored. */
int whk_cidr_contains(const whk_cidr_t *range, const struct sockaddr *address);
