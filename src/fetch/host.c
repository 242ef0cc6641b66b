/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/host.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define NAME_MAX_LENGTH 253
#define LABEL_MAX_LENGTH 63

static const char *parse_ipv6(whk_host_t *host, const char *text, apr_size_t length,
                              apr_pool_t *pool)
{
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)(void *)&host->address;
    char spelled[INET6_ADDRSTRLEN];

    if (length < 2 || text[length - 1] != ']' ||
        inet_pton(AF_INET6, apr_pstrmemdup(pool, text + 1, length - 2), &address->sin6_addr) != 1)
        return "be an IPv6 address, without zone, where it stands in brackets";
    address->sin6_family = AF_INET6;
    host->is_address = 1;
    host->name =
        apr_pstrdup(pool, inet_ntop(AF_INET6, &address->sin6_addr, spelled, sizeof(spelled)));
    return NULL;
}

static const char *parse_ipv4(whk_host_t *host, apr_pool_t *pool)
{
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)&host->address;
    char spelled[INET_ADDRSTRLEN];

    /* inet_aton() because it is what getaddrinfo() asks first: no other reading of odd spellings
     * can come between what is checked and what is connected to. */
    if (!inet_aton(host->name, &address->sin_addr))
        return "be a valid IPv4 address where it ends in a number";
    address->sin_family = AF_INET;
    host->is_address = 1;
    host->name =
        apr_pstrdup(pool, inet_ntop(AF_INET, &address->sin_addr, spelled, sizeof(spelled)));
    return NULL;
}

/** Labels of letters, digits, hyphens and, as they are found in the wild, underscores. */
static int is_dns_name(const char *name)
{
    apr_size_t length = strlen(name);
    const char *label = name;

    if (!length || length > NAME_MAX_LENGTH)
        return 0;
    for (;;) {
        apr_size_t size = strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-_");

        if (!size || size > LABEL_MAX_LENGTH || label[0] == '-' || label[size - 1] == '-')
            return 0;
        label += size;
        if (!*label)
            return 1;
        if (*label++ != '.')
            return 0;
    }
}

/** No top-level domain is a number, so such a host can only be meant as an IPv4 address. */
static int ends_in_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;

    if (last[0] == '0' && last[1] == 'x')
        return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
    return *last && last[strspn(last, "0123456789")] == '\0';
}

const char *whk_host_parse(whk_host_t *host, const char *text, apr_size_t length, apr_pool_t *pool)
{
    char *name;

    memset(host, 0, sizeof(*host));
    if (length && text[0] == '[')
        return parse_ipv6(host, text, length, pool);

    if (memchr(text, '\0', length))
        return "hold no NUL byte";
    name = apr_pstrmemdup(pool, text, length);
    if (length > 1 && name[length - 1] == '.')
        name[length - 1] = '\0';
    for (char *byte = name; *byte; byte++)
        *byte = apr_tolower(*byte);
    host->name = name;
    if (!is_dns_name(name))
        return "be a DNS name of letters, digits and hyphens (an internationalized one in its "
               "xn-- form), an IPv4 address, or an IPv6 address in brackets";
    return ends_in_number(name) ? parse_ipv4(host, pool) : NULL;
}
