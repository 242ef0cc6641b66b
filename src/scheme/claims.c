/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/claims.h"

#include <apr_strings.h>
#include <string.h>

/* The last second of the year 9999, which milliseconds since 1970 are far beyond. */
#define SECONDS_MAX 253402300799.0

typedef struct {
    whk_signed_message_t *message;
    const json_t *object;
    const char *place;
    int strict;
    apr_pool_t *pool;
} reading_t;

static const whk_outcome_t *refuse(const reading_t *reading, const char *claim, const char *rule)
{
    return whk_refuse(reading->pool, WHK_MALFORMED_JWS, "%s of %s %s", claim, reading->place, rule);
}

/* A NumericDate: seconds since 1970, perhaps with a fraction. 0 would say here that there is none,
 * and no message was signed then. */
static const whk_outcome_t *read_time(const reading_t *reading, const char *claim, apr_time_t *time)
{
    const json_t *value = json_object_get(reading->object, claim);
    double seconds = json_number_value(value);
    apr_time_t read;

    if (!value || (!json_is_number(value) && !reading->strict))
        return NULL;
    if (!json_is_number(value) || !(seconds >= 1 && seconds <= SECONDS_MAX))
        return refuse(reading, claim,
                      "must be a number of seconds since 1970-01-01T00:00:00Z, not of "
                      "milliseconds, and no text");
    read = (apr_time_t)(seconds * APR_USEC_PER_SEC);
    if (*time && *time != read)
        return refuse(reading, claim, "must not differ from that of the header");
    *time = read;
    return NULL;
}

static const whk_outcome_t *read_text(const reading_t *reading, const char *claim,
                                      const char **text)
{
    const json_t *value = json_object_get(reading->object, claim);
    const char *read = json_string_value(value);

    if (!value || (!read && !reading->strict))
        return NULL;
    if (!read || !*read)
        return refuse(reading, claim, "must be a string that is not empty");
    if (*text && strcmp(*text, read) != 0)
        return refuse(reading, claim, "must not differ from that of the header");
    *text = apr_pstrdup(reading->pool, read);
    return NULL;
}

/* One string is short for an array of it. NULL: it is neither. */
static const apr_array_header_t *audiences_of(const json_t *value, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(const char *));
    apr_size_t i;

    if (json_is_string(value))
        APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(pool, json_string_value(value));
    else if (!json_is_array(value))
        return NULL;
    for (i = 0; i < json_array_size(value); i++) {
        const char *name = json_string_value(json_array_get(value, i));

        if (!name)
            return NULL;
        APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(pool, name);
    }
    return names;
}

static int is_same(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int i;

    for (i = 0; a->nelts == b->nelts && i < a->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *)) != 0)
            return 0;
    return a->nelts == b->nelts;
}

static const whk_outcome_t *read_audiences(const reading_t *reading)
{
    const json_t *value = json_object_get(reading->object, "aud");
    const apr_array_header_t **audiences = &reading->message->audiences;
    const apr_array_header_t *read = value ? audiences_of(value, reading->pool) : NULL;

    if (!value || (!read && !reading->strict))
        return NULL;
    if (!read)
        return refuse(reading, "aud", "must be a string or an array of strings");
    if (*audiences && !is_same(*audiences, read))
        return refuse(reading, "aud", "must not differ from that of the header");
    *audiences = read;
    return NULL;
}

const whk_outcome_t *whk_claims_read(whk_signed_message_t *message, const json_t *object,
                                     const char *place, int strict, apr_pool_t *pool)
{
    reading_t reading = {message, object, place, strict, pool};

    WHK_TRY(read_time(&reading, "exp", &message->expires));
    WHK_TRY(read_time(&reading, "nbf", &message->not_before));
    WHK_TRY(read_time(&reading, "iat", &message->signed_at));
    WHK_TRY(read_text(&reading, "jti", &message->jti));
    WHK_TRY(read_text(&reading, "iss", &message->issuer));
    return read_audiences(&reading);
}
