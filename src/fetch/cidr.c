/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/** Read `text` as the decimal length of a prefix, or -1. */
static int parse_bits(const char *text, int most)
{
    int bits = 0;

    if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        bits = bits * 10 + (*text - '0');
    }
    return bits <= most ? bits : -1;
}

/** Whether the first `bits` bits are equal. */
static int same_prefix(const unsigned char *one, const unsigned char *other, int bits)
{
    int whole = bits / 8;
    int mask = 0xff00 >> (bits % 8) & 0xff;

    if (memcmp(one, other, whole))
        return 0;
    return !mask || !((one[whole] ^ other[whole]) & mask);
}

static int has_bits_beyond(const whk_cidr_t *range, int size)
{
    unsigned char base[16] = {0};
    int i;

    for (i = 0; i < range->bits; i++)
        base[i / 8] |= range->bytes[i / 8] & (0x80 >> (i % 8));
    return memcmp(base, range->bytes, size) != 0;
}

const char *whk_cidr_parse(whk_cidr_t *range, const char *text)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    int size;

    memset(range, 0, sizeof(*range));
    range->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    size = range->family == AF_INET6 ? 16 : 4;
    if (length >= sizeof(address))
        return "be an IP address, alone or with a prefix length";
    memcpy(address, text, length);
    address[length] = '\0';
    if (inet_pton(range->family, address, range->bytes) != 1)
        return "be an IP address, alone or with a prefix length";

    range->bits = slash ? parse_bits(slash + 1, size * 8) : size * 8;
    if (range->bits < 0)
        return "have a prefix length that its kind of address can have";
    if (has_bits_beyond(range, size))
        return "have no bit set beyond its prefix";
    return NULL;
}

int whk_cidr_contains(const whk_cidr_t *range, const struct sockaddr *address)
{
    const void *bytes;

    if (address->sa_family != range->family)
        return 0;
    if (range->family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    else
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    return same_prefix(bytes, range->bytes, range->bits);
}
