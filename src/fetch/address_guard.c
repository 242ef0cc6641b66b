/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/address_guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "fetch/cidr.h"

/* What is not a host of the public Internet: the IANA IPv4 and IPv6 Special-Purpose Address
 * Registries (RFC 6890, RFC 8190), the multicast and reserved space of the IANA address space
 * registries, and addresses with a meaning inside a cloud. An entry of the registries that is
 * globally reachable, but by anycast or by tunnel, is refused too: the nearest node can be inside.
 */
static const struct {
    const char *range;
    const char *meaning;
} refused[] = {
    {"0.0.0.0/8", "0.0.0.0/8: this network and unspecified, RFC 791"},
    {"10.0.0.0/8", "10.0.0.0/8: private-use, RFC 1918"},
    {"100.64.0.0/10", "100.64.0.0/10: shared address space, RFC 6598"},
    {"127.0.0.0/8", "127.0.0.0/8: loopback, RFC 1122"},
    {"169.254.0.0/16", "169.254.0.0/16: link-local and cloud metadata, RFC 3927"},
    {"172.16.0.0/12", "172.16.0.0/12: private-use, RFC 1918"},
    {"192.0.0.0/24", "192.0.0.0/24: IETF protocol assignments, RFC 6890"},
    {"192.0.2.0/24", "192.0.2.0/24: documentation, RFC 5737"},
    {"192.31.196.0/24", "192.31.196.0/24: AS112 anycast, RFC 7535"},
    {"192.52.193.0/24", "192.52.193.0/24: AMT relays, RFC 7450"},
    {"192.88.99.0/24", "192.88.99.0/24: 6to4 relays, RFC 7526"},
    {"192.168.0.0/16", "192.168.0.0/16: private-use, RFC 1918"},
    {"192.175.48.0/24", "192.175.48.0/24: AS112 anycast, RFC 7534"},
    {"198.18.0.0/15", "198.18.0.0/15: benchmarking, RFC 2544"},
    {"198.51.100.0/24", "198.51.100.0/24: documentation, RFC 5737"},
    {"203.0.113.0/24", "203.0.113.0/24: documentation, RFC 5737"},
    {"224.0.0.0/4", "224.0.0.0/4: multicast, RFC 5771"},
    {"255.255.255.255", "255.255.255.255: limited broadcast, RFC 919"},
    {"240.0.0.0/4", "240.0.0.0/4: reserved, RFC 1112"},
    {"168.63.129.16", "168.63.129.16: Azure's platform services, Microsoft's documentation"},

    {"::/128", "::/128: unspecified, RFC 4291"},
    {"::1/128", "::1/128: loopback, RFC 4291"},
    {"::/96", "::/96: IPv4-compatible, RFC 4291"},
    {"::ffff:0:0/96", "::ffff:0:0/96: IPv4-mapped, RFC 4291"},
    {"::ffff:0:0:0/96", "::ffff:0:0:0/96: IPv4-translated, RFC 2765"},
    {"64:ff9b::/96", "64:ff9b::/96: NAT64, RFC 6052"},
    {"64:ff9b:1::/48", "64:ff9b:1::/48: NAT64 of local use, RFC 8215"},
    {"100::/64", "100::/64: discard-only, RFC 6666"},
    {"100:0:0:1::/64", "100:0:0:1::/64: dummy prefix, RFC 9780"},
    {"2001::/32", "2001::/32: Teredo, RFC 4380"},
    {"2001::/23", "2001::/23: IETF protocol assignments, RFC 2928"},
    {"2001:db8::/32", "2001:db8::/32: documentation, RFC 3849"},
    {"2002::/16", "2002::/16: 6to4, RFC 3056"},
    {"2620:4f:8000::/48", "2620:4f:8000::/48: AS112 anycast, RFC 7534"},
    {"3ffe::/16", "3ffe::/16: former 6bone, RFC 3701"},
    {"3fff::/20", "3fff::/20: documentation, RFC 9637"},
    {"5f00::/16", "5f00::/16: SRv6 segment identifiers, RFC 9602"},
    {"fc00::/7", "fc00::/7: unique-local and cloud metadata, RFC 4193"},
    {"fe80::/10", "fe80::/10: link-local, RFC 4291"},
    {"fec0::/10", "fec0::/10: site-local, RFC 3879"},
    {"ff00::/8", "ff00::/8: multicast, RFC 4291"},
    /* Only 2000::/3 is global unicast (IANA IPv6 Address Space registry). These three ranges are
     * all the rest, and hold what this table does not name. */
    {"::/3", "::/3: not global unicast, RFC 4291"},
    {"4000::/2", "4000::/2: not global unicast, RFC 4291"},
    {"8000::/1", "8000::/1: not global unicast, RFC 4291"},
};

static const char *meaning_in_table(const struct sockaddr *address)
{
    whk_cidr_t range;
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (whk_cidr_parse(&range, refused[i].range))
            return "a broken row of the address guard's table";
        if (whk_cidr_contains(&range, address))
            return refused[i].meaning;
    }
    return NULL;
}

/** An ISATAP interface identifier (RFC 5214 section 6.1) under whatever prefix. */
static int is_isatap(const struct sockaddr *address)
{
    const unsigned char *bytes;

    if (address->sa_family != AF_INET6)
        return 0;
    bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    return (bytes[8] & 0xfd) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

static int has_zone(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 &&
           ((const struct sockaddr_in6 *)(const void *)address)->sin6_scope_id != 0;
}

static socklen_t size_of(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

static int is_same_address(const struct sockaddr *one, const struct sockaddr *other)
{
    const struct sockaddr_in *one4 = (const void *)one, *other4 = (const void *)other;
    const struct sockaddr_in6 *one6 = (const void *)one, *other6 = (const void *)other;

    if (one->sa_family != other->sa_family)
        return 0;
    if (one->sa_family == AF_INET)
        return one4->sin_addr.s_addr == other4->sin_addr.s_addr;
    return !memcmp(&one6->sin6_addr, &other6->sin6_addr, sizeof(one6->sin6_addr));
}

int whk_address_is_local(const struct sockaddr *address)
{
    struct sockaddr_storage target = {0}, local = {0};
    socklen_t length = sizeof(local);
    int is_local, descriptor;

    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return 0;
    memcpy(&target, address, size_of(address));
    /* Some port, so that the kernel chooses a route. It reaches its own addresses from themselves;
     * a datagram socket that is connected has sent nothing. */
    ((struct sockaddr_in *)(void *)&target)->sin_port = htons(9);
    descriptor = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return errno != EAFNOSUPPORT;
    is_local = !connect(descriptor, (struct sockaddr *)&target, size_of(address)) &&
               !getsockname(descriptor, (struct sockaddr *)&local, &length) &&
               is_same_address(address, (struct sockaddr *)&local);
    close(descriptor);
    return is_local;
}

const char *whk_address_refusal(const struct sockaddr *address, const char *host,
                                const whk_allow_list_t *allowed)
{
    const char *meaning;

    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return "not an Internet address";
    if (whk_allow_list_has_host(allowed, host) || whk_allow_list_has_address(allowed, address))
        return NULL;

    meaning = meaning_in_table(address);
    if (meaning)
        return meaning;
    if (is_isatap(address))
        return "an ISATAP address, RFC 5214";
    if (has_zone(address))
        return "an address with a zone, RFC 4007";
    if (whk_address_is_local(address))
        return "an address of this machine";
    return NULL;
}
