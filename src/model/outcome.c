/* SPDX-License-Identifier: Apache-2.0 */
#include "model/outcome.h"

#include <apr_strings.h>

#include "model/log_number.h"

typedef struct {
    const char *name;
    int status;
    const char *message;
} row_t;

static const row_t rows[WHK_CODE_COUNT] = {
    [WHK_INVALID_JSON] = {"invalid_json", 400, "the body must be one JSON value in UTF-8"},
    [WHK_INVALID_REQUEST] = {"invalid_request", 400,
                             "the request is not of the form that this resource takes"},
    [WHK_INVALID_JWKS] = {"invalid_jwks", 400,
                          "jwks must be a JWK Set whose keys array holds exactly one valid JWK"},
    [WHK_UNSUPPORTED_KEY] = {"unsupported_key", 400,
                             "this kind of key is not accepted here: use another kty or crv"},
    [WHK_WEAK_KEY] = {"weak_key", 400, "this key is too weak: make a new key pair"},
    [WHK_PRIVATE_KEY_MATERIAL] = {"private_key_material", 400,
                                  "private key material was sent: treat that key as compromised, "
                                  "make a new key pair and send its public key alone"},
    [WHK_KEY_ID_REQUIRED] = {"key_id_required", 400, "keyId is missing: name the key"},
    [WHK_KEY_ID_MISMATCH] = {"key_id_mismatch", 400,
                             "keyId and the JWK's kid differ: make them equal, or leave one out"},
    [WHK_KEY_ID_TAKEN] = {"key_id_taken", 400,
                          "this keyId was registered before, and a keyId is used once: choose "
                          "another"},
    [WHK_INVALID_JWKS_URI] = {"invalid_jwks_uri", 400,
                              "jwksUri must be an absolute https URI of at most 2048 bytes, "
                              "without user info and fragment"},
    [WHK_JWKS_URI_REFUSED] = {"jwks_uri_refused", 400,
                              "jwksUri does not lead to an address that may be fetched from: use "
                              "one on the public Internet"},
    [WHK_JWKS_URI_UNREACHABLE] = {"jwks_uri_unreachable", 400,
                                  "no JWK Set could be fetched from jwksUri: it must answer 200 "
                                  "with the set, in time and without a redirect"},
    [WHK_JWKS_URI_NO_SUCH_KEY] = {"jwks_uri_no_such_key", 400,
                                  "the JWK Set at jwksUri must hold exactly one JWK whose kid is "
                                  "the keyId"},
    [WHK_INVALID_TOKEN] = {"invalid_token", 401,
                           "a valid bearer token is needed: send Authorization: Bearer <token>"},
    [WHK_OTP_REQUIRED] = {"otp_required", 401,
                          "a one-time password is needed: send the current code in its header"},
    [WHK_OTP_INVALID] = {"otp_invalid", 401,
                         "the one-time password was not accepted: send a current code that was "
                         "not used before"},
    [WHK_NOT_ENTERPRISE_ADMIN] = {"not_enterprise_admin", 403,
                                  "this needs an admin of this enterprise"},
    [WHK_NOT_FOUND] = {"not_found", 404, "there is nothing at this path"},
    [WHK_KEY_NOT_FOUND] = {"key_not_found", 404, "this enterprise has no key of that keyId"},
    [WHK_METHOD_NOT_ALLOWED] = {"method_not_allowed", 405,
                                "this resource has no such method: the Allow header lists those "
                                "it has"},
    [WHK_KEY_MATERIAL_IN_USE] = {"key_material_in_use", 409,
                                 "this public key was registered before: make a new key pair"},
    [WHK_KEY_ALREADY_REVOKED] = {"key_already_revoked", 409, "this key was revoked before"},
    [WHK_ACTIVE_KEY_LIMIT] =
        {"active_key_limit", 409,
         "this enterprise has as many ACTIVE keys as it may: revoke one first"},
    [WHK_BODY_TOO_LARGE] = {"body_too_large", 413, "the body is too long: send a shorter one"},
    [WHK_UNSUPPORTED_MEDIA_TYPE] = {"unsupported_media_type", 415,
                                    "the body must be sent as Content-Type: application/json"},
    [WHK_IDEMPOTENCY_KEY_REUSED] = {"idempotency_key_reused", 422,
                                    "this Idempotency-Key was sent with another body: take a new "
                                    "one for another request"},
    [WHK_OTP_LOCKED] = {"otp_locked", 429,
                        "too many one-time passwords were refused: wait as long as Retry-After "
                        "says"},
    [WHK_INTERNAL_ERROR] = {"internal_error", 500,
                            "the server could not do this; its operator finds the reason in the "
                            "log, by the requestId"},
    [WHK_STORE_UNAVAILABLE] = {"store_unavailable", 503,
                               "the registry's database can't be reached: try again"},
    [WHK_TOO_BUSY] = {"too_busy", 503, "the server is too busy for this: try again"},
    [WHK_SIGNATURE_MISSING] = {"signature_missing", 401,
                               "the request carries no signature: sign it"},
    [WHK_MALFORMED_JWS] = {"malformed_jws", 401,
                           "the signature is not of the form its scheme asks for"},
    [WHK_ALGORITHM_MISMATCH] = {"algorithm_mismatch", 401,
                                "the algorithm that the signature claims is not that of the key"},
    [WHK_UNKNOWN_KEY] = {"unknown_key", 401,
                         "the signature names no key that is registered for this enterprise"},
    [WHK_KEY_REVOKED] = {"key_revoked", 401, "this key was revoked: sign with an ACTIVE one"},
    [WHK_BAD_SIGNATURE] = {"bad_signature", 401,
                           "the signature does not fit what was sent and the key"},
    [WHK_EXPIRED] = {"expired", 401, "the signature is too old, or not good yet: sign anew"},
    [WHK_REPLAYED] = {"replayed", 401, "this was received before: sign anew"},
    [WHK_DIGEST_MISMATCH] = {"digest_mismatch", 401,
                             "the digest that was signed is not that of the body"},
    [WHK_JWKS_URI_KEY_CHANGED] =
        {"jwks_uri_key_changed", 401,
         "the key at jwksUri is not the one that was registered: register it "
         "under a kid of its own"},
    [WHK_WRONG_AUDIENCE] = {"wrong_audience", 401, "the token is for another service than this"},
    [WHK_WRONG_ISSUER] = {"wrong_issuer", 401,
                          "the token is from another issuer than is expected here"},
    [WHK_CLAIM_MISMATCH] = {"claim_mismatch", 502,
                            "the answer does not say what this request asks for"},
    [WHK_ANSWER_INCOMPLETE] = {"answer_incomplete", 502, "the answer did not arrive whole"},
    [WHK_ANSWER_TIMEOUT] = {"answer_timeout", 504, "the answer took too long"},
};

static const row_t *row_of(whk_code_t code)
{
    return &rows[code < WHK_CODE_COUNT ? code : WHK_INTERNAL_ERROR];
}

const whk_outcome_t *whk_outcome_copy(apr_pool_t *pool, const whk_outcome_t *outcome)
{
    whk_outcome_t *copy = apr_pmemdup(pool, outcome, sizeof(*copy));

    copy->message = apr_pstrdup(pool, outcome->message);
    copy->operator_hint = apr_pstrdup(pool, outcome->operator_hint);
    return copy;
}

const char *whk_code_name(whk_code_t code)
{
    return row_of(code)->name;
}

const char *whk_outcome_reason(const whk_outcome_t *outcome)
{
    const char *hint = outcome->operator_hint;

    if (!hint)
        return outcome->message;
    return strncmp(hint, "WHK", 3) ? hint : hint + WHK_LOGNO_LENGTH;
}

int whk_code_status(whk_code_t code)
{
    return row_of(code)->status;
}

const char *whk_code_message(whk_code_t code)
{
    return row_of(code)->message;
}

const whk_outcome_t *whk_refuse(apr_pool_t *pool, whk_code_t code, const char *format, ...)
{
    whk_outcome_t *outcome = apr_pcalloc(pool, sizeof(*outcome));
    va_list arguments;

    outcome->code = code;
    va_start(arguments, format);
    outcome->message = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    return outcome;
}

const whk_outcome_t *whk_fail(apr_pool_t *pool, whk_code_t code, const char *format, ...)
{
    whk_outcome_t *outcome = apr_pcalloc(pool, sizeof(*outcome));
    va_list arguments;

    outcome->code = code;
    outcome->message = whk_code_message(code);
    va_start(arguments, format);
    outcome->operator_hint = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    if (code == WHK_STORE_UNAVAILABLE || code == WHK_TOO_BUSY)
        outcome->retry_after = 1;
    return outcome;
}
