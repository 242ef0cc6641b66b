/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read before each source by gcc -fanalyzer and clang-tidy (.ci/lint.mk), never by a build. Neither
 * makes use of `returns_nonnull`: without this they follow paths on which an outcome was made and
 * yet NULL came back, that is success with nothing in the out parameters. No function, since they
 * look into calls to a certain depth alone.
 */
#include "jose/jwk_parse.h"
#include "model/outcome.h"
#include "store/statement.h"

#define WHK_NOT_NULL(call)                                                                         \
    ({                                                                                             \
        const whk_outcome_t *whk_made = (call);                                                    \
        if (!whk_made)                                                                             \
            __builtin_unreachable();                                                               \
        whk_made;                                                                                  \
    })

#define whk_refuse(...) WHK_NOT_NULL(whk_refuse(__VA_ARGS__))
#define whk_fail(...) WHK_NOT_NULL(whk_fail(__VA_ARGS__))
#define whk_jwk_refuse(...) WHK_NOT_NULL(whk_jwk_refuse(__VA_ARGS__))
#define whk_session_error(...) WHK_NOT_NULL(whk_session_error(__VA_ARGS__))
