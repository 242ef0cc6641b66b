/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/base64.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/base64url.h"

static char swapped(char c, const char *from, const char *to)
{
    if (c == from[0])
        return to[0];
    return c == from[1] ? to[1] : c;
}

const char *whk_base64_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    apr_size_t plain = whk_base64url_length(length);
    apr_size_t whole = (length + 2) / 3 * 4;
    char *text = apr_palloc(pool, whole + 1);
    apr_size_t i;

    whk_base64url_put(text, bytes, length);
    for (i = 0; i < plain; i++)
        text[i] = swapped(text[i], "-_", "+/");
    memset(text + plain, '=', whole - plain);
    text[whole] = '\0';
    return text;
}

int whk_base64_decode(apr_pool_t *pool, const char *text, apr_size_t length, unsigned char **bytes,
                      apr_size_t *decoded)
{
    apr_size_t plain = length;
    apr_size_t i;
    char *url;

    if (length % 4 != 0 || memchr(text, '-', length) || memchr(text, '_', length))
        return 0;
    while (plain && length - plain < 2 && text[plain - 1] == '=')
        plain--;
    url = apr_pstrmemdup(pool, text, plain);
    for (i = 0; i < plain; i++)
        url[i] = swapped(url[i], "+/", "-_");
    return whk_base64url_decode(pool, url, plain, bytes, decoded);
}
