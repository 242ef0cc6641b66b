/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/jwks_uri.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "model/log_number.h"

/** The parts of a URI as they stand in its text. */
typedef struct {
    int is_http;
    const char *host;
    apr_size_t host_length;
    const char *port; /* what follows the colon; NULL: there is none */
    apr_size_t port_length;
    const char *rest; /* path and query */
} parts_t;

static int is_hex(char byte)
{
    return byte && strchr("0123456789abcdefABCDEF", byte);
}

/** RFC 3986, appendix A: which bytes can be in a URI at all. */
static const char *characters_flaw(const char *text)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~:/?#[]@!$&'()*+,;=%";

    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return "be ASCII: write an internationalized host name in its xn-- form, and "
                   "percent-encode other characters";
        if (!strchr(known, *text))
            return "hold no space, control character, backslash or other character that a URI "
                   "can't have unencoded";
        if (*text == '%' && (!is_hex(text[1]) || !is_hex(text[2])))
            return "have two hexadecimal digits after each %";
    }
    return NULL;
}

static const char *split_authority(parts_t *parts, const char *authority, apr_size_t length)
{
    const char *end = authority + length;
    const char *host_end = end;

    if (memchr(authority, '@', length))
        return "hold no user name or password";
    if (length && authority[0] == '[') {
        const char *bracket = memchr(authority, ']', length);

        if (!bracket)
            return "close the bracket of its IPv6 address";
        host_end = bracket + 1;
    } else {
        const char *colon = memchr(authority, ':', length);

        if (colon)
            host_end = colon;
    }
    parts->host = authority;
    parts->host_length = host_end - authority;
    if (!parts->host_length)
        return "name a host";
    if (host_end < end && *host_end != ':')
        return "have only a port after its host";
    parts->port = host_end < end ? host_end + 1 : NULL;
    parts->port_length = parts->port ? end - parts->port : 0;
    return NULL;
}

static const char *split(parts_t *parts, const char *text)
{
    const char *authority;
    apr_size_t length;

    if (!strncasecmp(text, "https://", 8))
        authority = text + 8;
    else if (!strncasecmp(text, "http://", 7))
        authority = text + 7;
    else
        return "be absolute and begin with https://";
    parts->is_http = authority - text == 7;
    if (strchr(text, '#'))
        return "have no fragment (#)";
    length = strcspn(authority, "/?");
    parts->rest = authority + length;
    if (strpbrk(parts->rest, "[]"))
        return "have brackets around an IPv6 address only";
    return split_authority(parts, authority, length);
}

static const char *read_port(const parts_t *parts, int *port)
{
    apr_size_t i;

    *port = parts->is_http ? 80 : 443;
    if (!parts->port)
        return NULL;
    *port = 0;
    for (i = 0; i < parts->port_length && i < 6; i++) {
        if (parts->port[i] < '0' || parts->port[i] > '9')
            return "have a port of digits only";
        *port = *port * 10 + (parts->port[i] - '0');
    }
    if (parts->port_length > 5 || *port < 1 || *port > 65535)
        return "have a port from 1 to 65535, or none";
    return NULL;
}

/** `http` is good enough only for what the operator named. */
static const char *scheme_flaw(const whk_jwks_uri_t *uri, const whk_allow_list_t *allowed)
{
    const struct sockaddr *address = (const void *)&uri->host.address;

    if (!uri->is_http || whk_allow_list_has_host(allowed, uri->host.name) ||
        (uri->host.is_address && whk_allow_list_has_address(allowed, address)))
        return NULL;
    return "begin with https://";
}

static apr_status_t free_parsed(void *parsed)
{
    curl_url_cleanup(parsed);
    return APR_SUCCESS;
}

/** Whether libcurl reads this part as we do. */
static int agrees(CURLU *parsed, CURLUPart part, const char *ours)
{
    char *theirs = NULL;
    int same = !curl_url_get(parsed, part, &theirs, CURLU_DEFAULT_PORT) && !strcmp(theirs, ours);

    curl_free(theirs);
    return same;
}

/** Hand libcurl the one spelling that was checked, and ask it what it understood. */
static const char *parse_with_curl(whk_jwks_uri_t *uri, const char *rest, apr_pool_t *pool)
{
    const char *scheme = uri->is_http ? "http" : "https";
    const char *port = apr_itoa(pool, uri->port);
    const char *host = uri->host.is_address && uri->host.address.ss_family == AF_INET6
                           ? apr_pstrcat(pool, "[", uri->host.name, "]", NULL)
                           : uri->host.name;
    const char *text = apr_pstrcat(pool, scheme, "://", host, ":", port, rest, NULL);

    if (curl_url_set(uri->parsed, CURLUPART_URL, text, CURLU_DISALLOW_USER) ||
        !agrees(uri->parsed, CURLUPART_SCHEME, scheme) ||
        !agrees(uri->parsed, CURLUPART_HOST, host) || !agrees(uri->parsed, CURLUPART_PORT, port))
        return "be a URI that can be read in one way only";
    return NULL;
}

static const char *parse(whk_jwks_uri_t *uri, const char *text, const whk_allow_list_t *allowed,
                         apr_pool_t *pool)
{
    parts_t parts = {0};
    const char *flaw;

    if (strlen(text) > WHK_JWKS_URI_MAX)
        return "be at most 2048 bytes long";
    if ((flaw = characters_flaw(text)) || (flaw = split(&parts, text)) ||
        (flaw = read_port(&parts, &uri->port)))
        return flaw;
    uri->is_http = parts.is_http;
    flaw = whk_host_parse(&uri->host, parts.host, parts.host_length, pool);
    if (flaw)
        return apr_pstrcat(pool, "have a good host: it must ", flaw, NULL);
    if ((flaw = scheme_flaw(uri, allowed)))
        return flaw;
    return parse_with_curl(uri, parts.rest, pool);
}

const whk_outcome_t *whk_jwks_uri_parse(whk_jwks_uri_t **uri, const char *text,
                                        const whk_allow_list_t *allowed, apr_pool_t *pool)
{
    whk_jwks_uri_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *flaw;

    made->parsed = curl_url();
    if (!made->parsed)
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0304) "out of memory for a jwksUri");
    apr_pool_cleanup_register(pool, made->parsed, free_parsed, apr_pool_cleanup_null);
    flaw = parse(made, text, allowed, pool);
    if (flaw)
        return whk_refuse(pool, WHK_INVALID_JWKS_URI, "jwksUri must %s", flaw);
    *uri = made;
    return NULL;
}
