/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/signed_message_claims.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/json.h"

/* Whole numbers up to here are each a double of their own. */
#define EXACT_MOST APR_INT64_C(9007199254740992)

static int is_text(const json_t *claim, const char *value)
{
    apr_size_t length = json_string_length(claim);

    return length == strlen(value) && memcmp(json_string_value(claim), value, length) == 0;
}

static int is_whole(const json_t *claim, const char *value, apr_pool_t *pool)
{
    const char *digits =
        apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(claim));

    return strcmp(digits, value) == 0;
}

static int is_exact(const json_t *number)
{
    return !json_is_integer(number) ||
           (json_integer_value(number) <= EXACT_MOST && json_integer_value(number) >= -EXACT_MOST);
}

/* 1.50 is 1.5: how it was written is not known any more. */
static int is_real(const json_t *claim, const char *value)
{
    json_t *number = json_loads(value, JSON_DECODE_ANY, NULL);
    int is_same = json_is_number(number) && is_exact(number) &&
                  json_number_value(number) == json_real_value(claim);

    json_decref(number);
    return is_same;
}

static int is_equal(const json_t *claim, const char *value, apr_pool_t *pool)
{
    if (!claim || !*value)
        return 0;
    switch (json_typeof(claim)) {
    case JSON_STRING:
        return is_text(claim, value);
    case JSON_INTEGER:
        return is_whole(claim, value, pool);
    case JSON_REAL:
        return is_real(claim, value);
    case JSON_TRUE:
        return strcmp(value, "true") == 0;
    case JSON_FALSE:
        return strcmp(value, "false") == 0;
    default:
        return 0;
    }
}

/* They were read before, but for whole numbers of any size. */
static const whk_outcome_t *read_claims(json_t **claims, const whk_signed_message_t *message,
                                        apr_pool_t *pool)
{
    const whk_outcome_t *outcome = whk_json_parse_exact(claims, message->claims.bytes,
                                                        message->claims.length, "the claims", pool);

    return outcome && outcome->code == WHK_INVALID_JSON
               ? whk_refuse(pool, WHK_MALFORMED_JWS, "%s", outcome->message)
               : outcome;
}

const whk_outcome_t *whk_signed_message_check_claims(const whk_signed_message_t *message,
                                                     const apr_array_header_t *expected,
                                                     apr_pool_t *pool)
{
    json_t *claims = NULL;
    int i;

    if (message->claims.length && expected->nelts)
        WHK_TRY(read_claims(&claims, message, pool));
    for (i = 0; i < expected->nelts; i++) {
        const whk_expected_claim_t *wanted = &APR_ARRAY_IDX(expected, i, whk_expected_claim_t);
        const json_t *claim = json_object_get(claims, wanted->name);

        if (!is_equal(claim, wanted->value, pool))
            return whk_refuse(pool, WHK_CLAIM_MISMATCH, "the claim %s %s", wanted->name,
                              claim ? "is not what this request asks for: repeat what was sent"
                                    : "is missing: repeat in it what was sent");
    }
    return NULL;
}
