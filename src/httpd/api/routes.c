/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/routes.h"

#include <string.h>

#include <apr_strings.h>

/* A pattern is read from its last segment to its first: enterprises/{e}/webhooks/keys/{k}. */
#define MOST_SEGMENTS 6

static const struct {
    whk_resource_t resource;
    const char *segments[MOST_SEGMENTS + 1]; /* from the tail; "" stands for any one segment */
    const char *allow;
} patterns[] = {
    {WHK_ROUTE_KEYS, {"keys", "webhooks", "", "enterprises"}, "GET, HEAD, POST, OPTIONS"},
    {WHK_ROUTE_KEY, {"", "keys", "webhooks", "", "enterprises"}, "GET, HEAD, DELETE, OPTIONS"},
    {WHK_ROUTE_VERIFY, {"verify", "", "keys", "webhooks", "", "enterprises"}, "POST, OPTIONS"},
    {WHK_ROUTE_REVOCATION,
     {"revocation", "", "keys", "webhooks", "", "enterprises"},
     "PUT, DELETE, OPTIONS"},
    {WHK_ROUTE_KEY_VALIDATIONS,
     {"key-validations", "webhooks", "", "enterprises"},
     "POST, OPTIONS"},
    {WHK_ROUTE_JWKS, {"jwks.json", "webhooks", "", "enterprises"}, "GET, HEAD, OPTIONS"},
    {WHK_ROUTE_EVENTS, {"key-events", "webhooks", "", "enterprises"}, "GET, HEAD, OPTIONS"},
    /* Last: a key may have that keyId. */
    {WHK_ROUTE_OPENAPI, {"openapi.json"}, "GET, HEAD, OPTIONS"},
};

#define PATTERN_COUNT ((int)(sizeof(patterns) / sizeof(patterns[0])))

/* The wildcards of a match, from the tail: at most keyId and enterprise. */
typedef struct {
    whk_resource_t resource;
    const char *wildcards[2];
    int count;
} match_t;

static int match_pattern(int index, const char *path, apr_pool_t *pool, match_t *match)
{
    const char *const *segment = patterns[index].segments;
    const char *end = path + strlen(path);
    const char *start;

    match->resource = patterns[index].resource;
    match->count = 0;
    for (; *segment; segment++) {
        for (start = end; start > path && start[-1] != '/'; start--)
            ;
        if (start == path || start == end)
            return 0;
        if (**segment == '\0')
            match->wildcards[match->count++] = apr_pstrmemdup(pool, start, end - start);
        else if (strlen(*segment) != (apr_size_t)(end - start) ||
                 strncmp(*segment, start, end - start) != 0)
            return 0;
        end = start - 1;
    }
    return 1;
}

static int match_path(const char *path, apr_pool_t *pool, match_t *match)
{
    int i;

    for (i = 0; i < PATTERN_COUNT; i++)
        if (match_pattern(i, path, pool, match))
            return 1;
    return 0;
}

/* The path of an origin-form or absolute-form target (RFC 9112 section 3.2), query cut off. */
static const char *raw_path(const request_rec *r)
{
    const char *target = r->unparsed_uri ? r->unparsed_uri : "";

    if (*target != '/') {
        target = strstr(target, "://");
        target = target ? strchr(target + 3, '/') : NULL;
    }
    if (!target)
        return "";
    return apr_pstrmemdup(r->pool, target, strcspn(target, "?#"));
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Percent-decoded exactly once; NULL where that can't be done, or gives a NUL. */
static const char *decode_segment(apr_pool_t *pool, const char *segment)
{
    char *decoded = apr_palloc(pool, strlen(segment) + 1);
    char *out = decoded;

    for (; *segment; segment++) {
        int high, low;

        if (*segment != '%') {
            *out++ = *segment;
            continue;
        }
        high = hex_value(segment[1]);
        low = high < 0 ? -1 : hex_value(segment[2]);
        if (low < 0 || high * 16 + low == 0)
            return NULL;
        *out++ = (char)(high * 16 + low);
        segment += 2;
    }
    *out = '\0';
    return decoded;
}

void whk_route_find(whk_route_t *route, const request_rec *r)
{
    const char *raw = raw_path(r);
    const char *enterprise_id;
    match_t sent, normalised;

    memset(route, 0, sizeof(*route));
    route->raw_path = raw;
    if (!match_path(raw, r->pool, &sent) || !match_path(r->uri, r->pool, &normalised) ||
        sent.resource != normalised.resource)
        return;
    if (!sent.count) {
        const char *decoded = decode_segment(r->pool, raw);

        if (decoded && !strcmp(decoded, r->uri))
            route->resource = sent.resource;
        return;
    }
    enterprise_id = decode_segment(r->pool, sent.wildcards[sent.count - 1]);
    if (!enterprise_id || strcmp(enterprise_id, normalised.wildcards[normalised.count - 1]) != 0)
        return;
    if (sent.count == 2) {
        route->key_id = decode_segment(r->pool, sent.wildcards[0]);
        if (!route->key_id)
            return;
    }
    route->enterprise_id = enterprise_id;
    route->resource = sent.resource;
}

const char *whk_route_allow(whk_resource_t resource)
{
    int i;

    for (i = 0; i < PATTERN_COUNT; i++)
        if (patterns[i].resource == resource)
            return patterns[i].allow;
    return "";
}

int whk_route_serves(whk_resource_t resource, int method_number)
{
    switch (method_number) {
    case M_GET:
        return resource != WHK_ROUTE_VERIFY && resource != WHK_ROUTE_REVOCATION &&
               resource != WHK_ROUTE_KEY_VALIDATIONS;
    case M_OPTIONS:
        return 1;
    case M_POST:
        return resource == WHK_ROUTE_KEYS || resource == WHK_ROUTE_VERIFY ||
               resource == WHK_ROUTE_KEY_VALIDATIONS;
    case M_PUT:
        return resource == WHK_ROUTE_REVOCATION;
    case M_DELETE:
        return resource == WHK_ROUTE_KEY || resource == WHK_ROUTE_REVOCATION;
    default:
        return 0;
    }
}

int whk_route_needs_otp(whk_resource_t resource, int method_number)
{
    return (resource == WHK_ROUTE_KEYS && method_number == M_POST) ||
           (resource == WHK_ROUTE_KEY && method_number == M_DELETE) ||
           (resource == WHK_ROUTE_REVOCATION &&
            (method_number == M_PUT || method_number == M_DELETE));
}
