/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read before each source by gcc -fanalyzer and clang-tidy (.ci/lint.mk), never by a build. Neither
 * makes use of `returns_nonnull`: without this they follow paths on which an outcome was made and
 * yet NULL came back, that is success with nothing in the out parameters.
 */
#include "jose/jwk_reading.h"
#include "model/outcome.h"
#include "store/statement.h"

static inline const whk_outcome_t *whk_analyzer_not_null(const whk_outcome_t *outcome)
{
    if (!outcome)
        __builtin_unreachable();
    return outcome;
}

#define whk_refuse(...) whk_analyzer_not_null(whk_refuse(__VA_ARGS__))
#define whk_fail(...) whk_analyzer_not_null(whk_fail(__VA_ARGS__))
#define whk_jwk_refuse(...) whk_analyzer_not_null(whk_jwk_refuse(__VA_ARGS__))
#define whk_session_error(...) whk_analyzer_not_null(whk_session_error(__VA_ARGS__))
