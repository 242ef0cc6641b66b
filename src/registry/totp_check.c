/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/totp_check.h"

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <string.h>

#include "metrics/metrics.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "otp/totp.h"
#include "registry/operator_tables.h"
#include "registry/otp_lock.h"

static const whk_outcome_t *otp_invalid(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_OTP_INVALID,
                      "the one-time password is wrong, was used before, or is no longer current: "
                      "send the code that the authenticator shows now, once");
}

static const whk_outcome_t *with_hint(whk_registry_t *registry, const whk_outcome_t *outcome,
                                      const char *hint)
{
    whk_outcome_t *hinted = apr_pmemdup(registry->pool, outcome, sizeof(*hinted));

    hinted->operator_hint = hint;
    return hinted;
}

static const char *lock_hint(whk_registry_t *registry, const char *user, apr_time_t end)
{
    return apr_psprintf(registry->pool,
                        WHK_LOGNO(0232) "too many one-time passwords of user %s were refused, so "
                                        "that user is locked until %s: revoke that user's token "
                                        "where somebody guesses, else whkctl otp unlock %s",
                        user, whk_time_format(registry->pool, end), user);
}

/* Counting comes before answering: a guess that the store did not note is not answered as one. */
static const whk_outcome_t *refuse_code(whk_registry_t *registry, const whk_caller_t *caller,
                                        apr_time_t now)
{
    const char *user = whk_caller_actor(caller);
    apr_time_t locked_until;
    apr_time_t locks;

    WHK_TRY(whk_otp_record_refusal(registry, caller, now, &locked_until, &locks));
    whk_metrics_count(WHK_OTP_CHECKS, locked_until ? WHK_OTP_RESULT_LOCKED : WHK_OTP_RESULT_REFUSED,
                      0);
    if (locked_until)
        return whk_otp_locked(registry->pool, locked_until - now);
    if (locks)
        whk_metrics_count(WHK_OTP_LOCKS, 0, 0);
    return locks
               ? with_hint(registry, otp_invalid(registry->pool), lock_hint(registry, user, locks))
               : otp_invalid(registry->pool);
}

static const whk_outcome_t *match_sealed(whk_registry_t *registry, const whk_secret_key_t *key,
                                         const whk_otp_enrolment_t *enrolment, const char *code,
                                         apr_time_t now, apr_int64_t *step, int *matches)
{
    whk_totp_t totp = {enrolment->algorithm, enrolment->digits, enrolment->period};
    const unsigned char *secret;
    apr_size_t length;
    const char *flaw;

    if (!whk_totp_valid(&totp))
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0227) "the OTP enrolment of user %s has impossible parameters: "
                                        "run whkctl check",
                        enrolment->user);
    if (!whk_secret_open(registry->pool, key, enrolment->user, &totp, enrolment->sealed_secret,
                         &secret, &length, &flaw))
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0228) "the OTP secret of user %s can't be opened: %s",
                        enrolment->user, flaw);
    *matches = whk_totp_match(&totp, secret, length, now, code, step);
    return NULL;
}

/* `elsewhere` is the secret as a table of the operator's own has it; NULL: it is in the row. */
static const whk_outcome_t *match_code(whk_registry_t *registry, const whk_secret_key_t *key,
                                       const whk_otp_enrolment_t *enrolment,
                                       const whk_operator_secret_t *elsewhere, const char *code,
                                       apr_time_t now, apr_int64_t *step, int *matches)
{
    if (!elsewhere)
        return match_sealed(registry, key, enrolment, code, now, step, matches);
    *matches =
        whk_totp_match(&elsewhere->totp, elsewhere->bytes, elsewhere->length, now, code, step);
    return NULL;
}

/* A code was used of a step that has not come yet. It stays used: whoever saw it could send it
 * again once its time has come. */
static int is_ahead(const whk_otp_enrolment_t *enrolment, const whk_operator_secret_t *elsewhere,
                    apr_time_t now)
{
    whk_totp_t totp = {enrolment->algorithm, enrolment->digits, enrolment->period};

    return enrolment->last_step >
           whk_totp_step(elsewhere ? &elsewhere->totp : &totp, now + WHK_CLOCKS_APART) + 1;
}

static const char *ahead_hint(whk_registry_t *registry, const whk_otp_enrolment_t *enrolment)
{
    return apr_psprintf(registry->pool,
                        WHK_LOGNO(0230) "the code that user %s used last was of a time that has "
                                        "not come yet: a clock was ahead; set the clocks, and run "
                                        "whkctl otp enroll --replace for a new secret",
                        enrolment->user);
}

/* Check the code and use it up. Between the two the secret may be sealed anew under another key,
 * which is no fault of the code's: then both are done again, once. */
static const whk_outcome_t *accept_code(whk_registry_t *registry, const whk_secret_key_t *key,
                                        whk_otp_enrolment_t *enrolment,
                                        const whk_operator_secret_t *elsewhere, const char *code,
                                        apr_time_t now, int *accepted)
{
    const char *checked = NULL;
    apr_int64_t step;
    int matches;
    int tries;

    *accepted = 0;
    for (tries = 0; tries < 2 && !*accepted && enrolment; tries++) {
        if (checked && !strcmp(checked, enrolment->sealed_secret))
            return NULL;
        WHK_TRY(match_code(registry, key, enrolment, elsewhere, code, now, &step, &matches));
        if (!matches)
            return NULL;
        checked = enrolment->sealed_secret;
        WHK_TRY(whk_store_otp_accept(registry->store, registry->pool, enrolment->user, checked,
                                     step, now, whk_otp_lock_latest(now), accepted));
        if (!*accepted)
            WHK_TRY(
                whk_store_otp_get(registry->store, registry->pool, enrolment->user, &enrolment));
    }
    return NULL;
}

static const whk_outcome_t *no_secret(whk_registry_t *registry, const char *user)
{
    if (registry->policy->otp_secret_query)
        return with_hint(registry, otp_invalid(registry->pool),
                         apr_psprintf(registry->pool,
                                      WHK_LOGNO(0238) "user %s has no OTP secret by "
                                                      "WebhookKeysOTPSecretQuery and so can't "
                                                      "register or revoke",
                                      user));
    return with_hint(registry, otp_invalid(registry->pool),
                     apr_psprintf(registry->pool,
                                  WHK_LOGNO(0231) "user %s has no OTP secret and so can't "
                                                  "register or revoke: run whkctl otp enroll",
                                  user));
}

/* What is kept of a user whose secret is elsewhere. */
static const whk_outcome_t *add_state(whk_registry_t *registry, const char *user,
                                      const whk_operator_secret_t *elsewhere,
                                      whk_otp_enrolment_t **enrolment)
{
    whk_otp_enrolment_t state = {.user = user,
                                 .algorithm = elsewhere->totp.algorithm,
                                 .digits = elsewhere->totp.digits,
                                 .period = elsewhere->totp.period,
                                 .created = whk_time_now()};

    state.sealed_secret =
        apr_pstrcat(registry->pool, WHK_OTP_ELSEWHERE, whk_uuid(registry->pool), NULL);
    WHK_TRY(whk_store_otp_add(registry->store, registry->pool, &state));
    return whk_store_otp_get(registry->store, registry->pool, user, enrolment);
}

static int is_elsewhere(const whk_otp_enrolment_t *enrolment)
{
    return !strncmp(enrolment->sealed_secret, WHK_OTP_ELSEWHERE, strlen(WHK_OTP_ELSEWHERE));
}

/* Steps are counted by the period: that in which the last one ended is used up with it. */
static const whk_outcome_t *follow_period(whk_registry_t *registry, const char *user,
                                          const whk_operator_secret_t *elsewhere,
                                          whk_otp_enrolment_t **enrolment)
{
    whk_otp_enrolment_t *row = *enrolment;
    int period = elsewhere->totp.period;
    apr_int64_t last = row->last_step < 0 ? -1 : ((row->last_step + 1) * row->period - 1) / period;

    if (row->period == period)
        return NULL;
    if (!is_elsewhere(row))
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0239) "user %s has a secret of whkctl's, of another period than "
                                        "WebhookKeysOTPSecretQuery says: run whkctl otp remove %s",
                        user, user);
    WHK_TRY(whk_store_otp_set_period(registry->store, registry->pool, row, period, last));
    return whk_store_otp_get(registry->store, registry->pool, user, enrolment);
}

/* `enrolment` is set to NULL where the user has no secret. */
static const whk_outcome_t *find_enrolment(whk_registry_t *registry, const char *user,
                                           whk_operator_secret_t **elsewhere,
                                           whk_otp_enrolment_t **enrolment)
{
    *elsewhere = NULL;
    *enrolment = NULL;
    if (registry->policy->otp_secret_query) {
        WHK_TRY(whk_operator_secret(registry, user, elsewhere));
        if (!*elsewhere)
            return NULL;
    }
    WHK_TRY(whk_store_otp_get(registry->store, registry->pool, user, enrolment));
    if (*elsewhere && !*enrolment)
        return add_state(registry, user, *elsewhere, enrolment);
    if (*elsewhere)
        return follow_period(registry, user, *elsewhere, enrolment);
    /* Its secret is where nobody looks any more. */
    if (*enrolment && is_elsewhere(*enrolment))
        *enrolment = NULL;
    return NULL;
}

static const whk_outcome_t *check(whk_registry_t *registry, const whk_secret_key_t *key,
                                  const whk_caller_t *caller, const char *code,
                                  const whk_operator_secret_t *elsewhere,
                                  whk_otp_enrolment_t *enrolment)
{
    apr_time_t now = whk_time_now();
    const whk_outcome_t *outcome;
    int accepted;

    if (whk_otp_is_locked(enrolment, now)) {
        whk_metrics_count(WHK_OTP_CHECKS, WHK_OTP_RESULT_LOCKED, 0);
        return whk_otp_locked(registry->pool, enrolment->locked_until - now);
    }
    WHK_TRY(whk_otp_quota_take(registry, enrolment));
    WHK_TRY(accept_code(registry, key, enrolment, elsewhere, code, now, &accepted));
    if (accepted) {
        whk_otp_quota_return(registry, enrolment);
        whk_metrics_count(WHK_OTP_CHECKS, WHK_OTP_RESULT_ACCEPTED, 0);
        return NULL;
    }
    outcome = refuse_code(registry, caller, now);
    return is_ahead(enrolment, elsewhere, now)
               ? with_hint(registry, outcome, ahead_hint(registry, enrolment))
               : outcome;
}

const whk_outcome_t *whk_totp_check(whk_registry_t *registry, const whk_secret_key_t *key,
                                    const whk_caller_t *caller, const char *code)
{
    const char *user = whk_caller_actor(caller);
    whk_operator_secret_t *elsewhere;
    whk_otp_enrolment_t *enrolment;
    const whk_outcome_t *outcome;

    WHK_TRY(find_enrolment(registry, user, &elsewhere, &enrolment));
    outcome = enrolment ? check(registry, key, caller, code, elsewhere, enrolment)
                        : no_secret(registry, user);
    if (elsewhere)
        OPENSSL_cleanse(elsewhere->bytes, elsewhere->length);
    return outcome;
}
