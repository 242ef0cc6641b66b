/* SPDX-License-Identifier: Apache-2.0 */
/* A JWK with one member that is otherwise, and what is said of it. */

#pragma once

#include "jose/jwk.h"
#include "jwk_fixture.h"

#define GOOD WHK_CODE_COUNT

/* A JWK whose `member` is set to `value`, or is left out where that is NULL. */
typedef struct {
    const char *jwk;
    const char *member;
    const char *value;
    whk_code_t code;
    const char *message; /* how it begins, after "jwks.keys[0]" */
} row_t;

static inline const whk_outcome_t *parse(const json_t *json, whk_algorithms_t enabled)
{
    const whk_jwk_t *jwk;

    return whk_jwk_parse(&jwk, json, "jwks.keys[0]", enabled, pool);
}

static inline void judge(const json_t *json, whk_algorithms_t enabled, whk_code_t code,
                         const char *message, const char *title)
{
    const whk_outcome_t *outcome = parse(json, enabled);

    if (code != GOOD)
        assert_refused(outcome, code, apr_pstrcat(pool, "jwks.keys[0]", message, NULL), title);
    else if (outcome)
        fail_msg("%s: %s", title, outcome->message);
}

static inline void judge_rows(const row_t *rows, size_t count, whk_algorithms_t enabled)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        json_t *json = read_json(row->jwk);

        json_object_del(json, row->member);
        if (row->value)
            json_object_set(json, row->member, read_json(row->value));
        judge(json, enabled, row->code, row->message,
              apr_psprintf(pool, "%s %s", row->member, row->value ? row->value : "missing"));
    }
}

#define JUDGE_ROWS(rows, enabled) judge_rows(rows, sizeof(rows) / sizeof(rows[0]), enabled)
