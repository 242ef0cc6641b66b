/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the RFCs, in JSON with ' for ", and what the tests of JWKs do with them. */

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "jose/json.h"
#include "jose/jwk.h"

#define EVERY_ALGORITHM (~0u)

/* RFC 8037, appendix A.2. */
#define RFC_8037 "{'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'}"

/* RFC 7517, appendix A.1, the EC key without its `use`, which is enc. */
#define RFC_7517_EC                                                                                \
    "{'kty':'EC','crv':'P-256','x':'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',"                 \
    "'y':'4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM','kid':'1'}"

/* RFC 7517, appendix A.1, and RFC 7638, section 3.1. */
#define RFC_7517_N                                                                                 \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP" \
    "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY" \
    "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f" \
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define RFC_7517_RSA                                                                               \
    "{'kty':'RSA','n':'" RFC_7517_N "','e':'AQAB','alg':'RS256','kid':'2011-04-29'}"

static apr_pool_t *pool;

static inline json_t *read_json(const char *text)
{
    char *quoted = apr_pstrdup(pool, text);
    json_t *value;
    char *c;

    for (c = quoted; *c; c++)
        if (*c == '\'')
            *c = '"';
    if (whk_json_parse(&value, quoted, strlen(quoted), "the test", pool))
        fail_msg("not JSON: %s", text);
    return value;
}

static inline const whk_jwk_t *good_jwk(const json_t *json)
{
    const whk_jwk_t *jwk;
    const whk_outcome_t *outcome = whk_jwk_parse(&jwk, json, "jwks.keys[0]", EVERY_ALGORITHM, pool);

    if (outcome)
        fail_msg("%s: %s", whk_json_text(pool, json), outcome->message);
    return jwk;
}

static inline void assert_refused(const whk_outcome_t *outcome, whk_code_t code, const char *start,
                                  const char *title)
{
    if (!outcome) {
        fail_msg("%s: was accepted", title);
        return;
    }
    if (outcome->code != code)
        fail_msg("%s: %s: %s", title, whk_code_name(outcome->code), outcome->message);
    if (strncmp(outcome->message, start, strlen(start)) != 0)
        fail_msg("%s: wanted \"%s…\", got \"%s\"", title, start, outcome->message);
}

static inline int make_pool(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL);
}

static inline int destroy_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}
