/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which addresses a caller's URI may make us connect to: those of the public Internet, and the
 * operator's exceptions. Checked is the very address that a socket is about to be connected to, so
 * names, spellings of addresses and later DNS answers have no say.
 *
 * IPv6 addresses that carry an IPv4 address (mapped, compatible, translated, 6to4, Teredo, NAT64,
 * ISATAP) are refused whatever that IPv4 address is. What can't be known here: a NAT64 prefix of
 * the operator's own choice (RFC 6052 section 3.1), and public addresses that only his network
 * leads to. Those are for his routes or packet filter. */

#include <sys/socket.h>

#include "fetch/allow_list.h"

/** Check an address.
 * @param host    name of the host that it was looked up for (a whk_host_t's)
 * @param allowed the exceptions
 * @return NULL where it may be connected to, else what it is, for the operator's log alone, as
 *         `10.0.0.0/8: private-use, RFC 1918` */
const char *whk_address_refusal(const struct sockaddr *address, const char *host,
                                const whk_allow_list_t *allowed);

/** Whether `address` is one of this machine's own, where services that trust the machine listen
 * though a packet filter hides them from others. Sends nothing. */
int whk_address_is_local(const struct sockaddr *address);
