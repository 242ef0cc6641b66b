/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Why something was refused or failed: one table of codes, each with its HTTP status.
 *
 * A function that can fail for a reason that a caller must learn returns `const whk_outcome_t *`:
 * NULL is success. An outcome lives in the pool that was handed to the function that made it. */

#include <apr_pools.h>

/** The stable codes of the API: docs/errors.md. */
typedef enum {
    WHK_INVALID_JSON,
    WHK_INVALID_REQUEST,
    WHK_INVALID_JWKS,
    WHK_UNSUPPORTED_KEY,
    WHK_WEAK_KEY,
    WHK_PRIVATE_KEY_MATERIAL,
    WHK_KEY_ID_REQUIRED,
    WHK_KEY_ID_MISMATCH,
    WHK_KEY_ID_TAKEN,
    WHK_INVALID_JWKS_URI,
    WHK_JWKS_URI_REFUSED,
    WHK_JWKS_URI_UNREACHABLE,
    WHK_JWKS_URI_NO_SUCH_KEY,
    WHK_INVALID_TOKEN,
    WHK_OTP_REQUIRED,
    WHK_OTP_INVALID,
    WHK_NOT_ENTERPRISE_ADMIN,
    WHK_NOT_FOUND,
    WHK_KEY_NOT_FOUND,
    WHK_METHOD_NOT_ALLOWED,
    WHK_KEY_MATERIAL_IN_USE,
    WHK_KEY_ALREADY_REVOKED,
    WHK_ACTIVE_KEY_LIMIT,
    WHK_BODY_TOO_LARGE,
    WHK_UNSUPPORTED_MEDIA_TYPE,
    WHK_IDEMPOTENCY_KEY_REUSED,
    WHK_OTP_LOCKED,
    WHK_INTERNAL_ERROR,
    WHK_STORE_UNAVAILABLE,
    WHK_TOO_BUSY,
    /* Why a signature was not accepted: docs/signing.md, "When it is refused". */
    WHK_SIGNATURE_MISSING,
    WHK_MALFORMED_JWS,
    WHK_ALGORITHM_MISMATCH,
    WHK_UNKNOWN_KEY,
    WHK_KEY_REVOKED,
    WHK_BAD_SIGNATURE,
    WHK_EXPIRED,
    WHK_REPLAYED,
    WHK_DIGEST_MISMATCH,
    WHK_JWKS_URI_KEY_CHANGED,
    WHK_WRONG_AUDIENCE,
    WHK_WRONG_ISSUER,
    /* Why an answer was not passed on: docs/errors.md, "Of an answer". */
    WHK_CLAIM_MISMATCH,
    WHK_ANSWER_INCOMPLETE,
    WHK_ANSWER_TIMEOUT,
    WHK_CODE_COUNT
} whk_code_t;

typedef struct whk_outcome_t {
    whk_code_t code;
    /** For the caller: what was wrong, where, and what would be right. Never a secret, never NULL.
     */
    const char *message;
    /** For the operator's log alone: its WHK_LOGNO(), what broke and what to do. NULL: nothing. */
    const char *operator_hint;
    /** Seconds for `Retry-After`; 0: no such header. */
    int retry_after;
} whk_outcome_t;

/** Hand a failure up: for functions that themselves return an outcome. */
#define WHK_TRY(expression)                                                                        \
    do {                                                                                           \
        const whk_outcome_t *whk_try_outcome = (expression);                                       \
        if (whk_try_outcome)                                                                       \
            return whk_try_outcome;                                                                \
    } while (0)

/** The caller did something that can't be accepted. The message is for them. */
const whk_outcome_t *whk_refuse(apr_pool_t *pool, whk_code_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4), returns_nonnull));

/** We can't do our part (5xx). The caller gets the code's own message, the operator's log gets the
 * formatted hint. `store_unavailable` and `too_busy` get a `Retry-After` of 1 second. */
const whk_outcome_t *whk_fail(apr_pool_t *pool, whk_code_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4), returns_nonnull));

/** A copy that lives as long as `pool`. */
const whk_outcome_t *whk_outcome_copy(apr_pool_t *pool, const whk_outcome_t *outcome);

/** The API's name of a code, as `key_id_taken`. */
const char *whk_code_name(whk_code_t code);

/** What the operator is told of an outcome in a line that has a number of its own: the hint without
 * its number, or the message where there is none. Never NULL. */
const char *whk_outcome_reason(const whk_outcome_t *outcome);

/** The HTTP status of a code. */
int whk_code_status(whk_code_t code);

/** The message used where nothing more exact is known. */
const char *whk_code_message(whk_code_t code);
