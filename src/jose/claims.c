#include "jose/claims.h"

#include <string.h>

#include <apr_strings.h>

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

static const whk_outcome_t *read_id(const reading_t *reading)
{
    const json_t *value = json_object_get(reading->object, "jti");
    const char *id = json_string_value(value);
    whk_signed_message_t *message = reading->message;

    if (!value || (!id && !reading->strict))
        return NULL;
    if (!id || !*id)
        return refuse(reading, "jti", "must be a string that is not empty");
    if (message->replay_id && strcmp(message->replay_id, id) != 0)
        return refuse(reading, "jti", "must not differ from that of the header");
    message->replay_id = apr_pstrdup(reading->pool, id);
    return NULL;
}

const whk_outcome_t *whk_claims_read(whk_signed_message_t *message, const json_t *object,
                                     const char *place, int strict, apr_pool_t *pool)
{
    reading_t reading = {message, object, place, strict, pool};

    WHK_TRY(read_time(&reading, "exp", &message->expires));
    WHK_TRY(read_time(&reading, "nbf", &message->not_before));
    WHK_TRY(read_time(&reading, "iat", &message->signed_at));
    return read_id(&reading);
}
