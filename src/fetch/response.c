/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/response.h"

#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define ETAG_MAX 256
#define MAX_AGE_MOST APR_INT32_MAX

void whk_response_init(whk_response_t *response, apr_size_t max_bytes, apr_pool_t *pool)
{
    memset(response, 0, sizeof(*response));
    response->pool = pool;
    response->max_bytes = max_bytes;
}

int whk_response_is_etag(const char *text)
{
    apr_size_t length;

    if (!strncmp(text, "W/", 2))
        text += 2;
    length = strlen(text);
    if (length < 2 || length > ETAG_MAX || text[0] != '"' || text[length - 1] != '"')
        return 0;
    for (text++; text[1]; text++) {
        if (*text <= ' ' || *text == '"' || *text == 0x7f)
            return 0;
    }
    return 1;
}

/** The value of a header line of this name, or NULL. */
static const char *value_of(whk_response_t *response, const char *line, apr_size_t length,
                            const char *name)
{
    apr_size_t name_length = strlen(name);
    const char *value = line + name_length + 1;
    const char *end = line + length;

    if (length <= name_length || strncasecmp(line, name, name_length) || line[name_length] != ':')
        return NULL;
    while (value < end && apr_isspace(*value))
        value++;
    while (end > value && apr_isspace(end[-1]))
        end--;
    return apr_pstrmemdup(response->pool, value, end - value);
}

/** `HTTP/1.1 200 OK` begins an answer, and what an interim one said is void. */
static int read_status(whk_response_t *response, const char *line, apr_size_t length)
{
    const char *digits;

    if (length < 5 || memcmp(line, "HTTP/", 5))
        return 0;
    response->etag = response->cache_control = NULL;
    response->date = 0;
    response->is_aged = 0;
    response->status = 0;
    digits = memchr(line, ' ', length);
    for (digits = digits ? digits + 1 : line + length;
         digits < line + length && apr_isdigit(*digits) && response->status < 1000; digits++)
        response->status = response->status * 10 + (*digits - '0');
    return 1;
}

size_t whk_response_header(char *line, size_t size, size_t count, void *baton)
{
    whk_response_t *response = baton;
    apr_size_t length = size * count;
    const char *value;

    response->header_bytes += length;
    if (response->header_bytes > WHK_RESPONSE_HEADERS_MAX) {
        response->is_too_large = 1;
        return 0;
    }
    if (read_status(response, line, length))
        return length;
    if ((value = value_of(response, line, length, "ETag")))
        response->etag = whk_response_is_etag(value) ? value : NULL;
    if ((value = value_of(response, line, length, "Date")))
        response->date = apr_date_parse_http(value);
    if (value_of(response, line, length, "Age"))
        response->is_aged = 1;
    if ((value = value_of(response, line, length, "Cache-Control")))
        response->cache_control =
            response->cache_control
                ? apr_pstrcat(response->pool, response->cache_control, ",", value, NULL)
                : value;
    return length;
}

size_t whk_response_body(char *bytes, size_t size, size_t count, void *baton)
{
    whk_response_t *response = baton;
    apr_size_t length = size * count;

    if (response->status != 200)
        return 0;
    if (length > response->max_bytes - response->length) {
        response->is_too_large = 1;
        return 0;
    }
    if (!response->body)
        response->body = apr_palloc(response->pool, response->max_bytes + 1);
    memcpy(response->body + response->length, bytes, length);
    response->length += length;
    response->body[response->length] = '\0';
    return length;
}

/** `max-age=300`, the number quoted or not; -1 where the directive is another or broken. */
static apr_int64_t read_max_age(const char *directive)
{
    apr_int64_t seconds = 0;

    if (strncasecmp(directive, "max-age=", 8))
        return -1;
    directive += 8 + (directive[8] == '"');
    if (!apr_isdigit(*directive))
        return -1;
    for (; apr_isdigit(*directive); directive++) {
        if (seconds < MAX_AGE_MOST)
            seconds = seconds * 10 + (*directive - '0');
    }
    return seconds < MAX_AGE_MOST ? seconds : MAX_AGE_MOST;
}

apr_int64_t whk_response_max_age(const whk_response_t *response)
{
    apr_int64_t max_age = -1;
    char *directive, *state = NULL;

    if (!response->cache_control)
        return -1;
    directive = apr_strtok(apr_pstrdup(response->pool, response->cache_control), ", \t", &state);
    for (; directive; directive = apr_strtok(NULL, ", \t", &state)) {
        apr_int64_t told = read_max_age(directive);

        if (!strcasecmp(directive, "no-store") || !strcasecmp(directive, "no-cache"))
            return 0;
        if (told >= 0 && (max_age < 0 || told < max_age))
            max_age = told;
    }
    return max_age;
}
