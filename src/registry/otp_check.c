/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "model/clock.h"
#include "model/timestamp.h"
#include "otp/totp.h"
#include "registry/audit_trail.h"
#include "registry/key_cache.h"
#include "registry/registry.h"
#include "store/enterprises.h"
#include "store/otp_enrolments.h"
#include "store/transaction.h"

static const whk_outcome_t *otp_invalid(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_OTP_INVALID,
                      "the one-time password is wrong, was used before, or is no longer current: "
                      "send the code that the authenticator shows now, once");
}

static const whk_outcome_t *otp_locked(apr_pool_t *pool, apr_time_t until, apr_time_t now)
{
    apr_interval_time_t left = until > now ? until - now : 0;
    int seconds = (int)((left + APR_USEC_PER_SEC - 1) / APR_USEC_PER_SEC);
    whk_outcome_t *outcome;

    if (seconds < 1)
        seconds = 1;
    outcome = apr_pmemdup(pool,
                          whk_refuse(pool, WHK_OTP_LOCKED,
                                     "too many refused one-time passwords: wait %d seconds, then "
                                     "send a fresh code",
                                     seconds),
                          sizeof(*outcome));
    outcome->retry_after = seconds;
    return outcome;
}

typedef struct {
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    apr_time_t now;
    whk_otp_enrolment_t *enrolment;
    int counted;
} refusal_t;

static const whk_outcome_t *record_refusal(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    refusal_t *refusal = baton;
    whk_enterprise_t *enterprise;

    /* The enterprise first: every transaction takes its locks in this order. */
    WHK_TRY(whk_store_enterprise_lock(store, pool, whk_caller_enterprise(refusal->caller),
                                      &enterprise));
    WHK_TRY(whk_store_otp_refuse(store, pool, whk_caller_actor(refusal->caller), refusal->now,
                                 WHK_OTP_LOCK_AFTER, WHK_OTP_LOCK_FIRST, WHK_OTP_LOCK_MOST,
                                 &refusal->enrolment, &refusal->counted));
    if (!refusal->counted || !enterprise)
        return NULL;
    WHK_TRY(whk_audit_append(store, pool, refusal->secret, enterprise, WHK_EVENT_OTP_REFUSED, NULL,
                             refusal->caller, NULL, refusal->now));
    if (refusal->enrolment->locked_until > refusal->now)
        WHK_TRY(whk_audit_append(
            store, pool, refusal->secret, enterprise, WHK_EVENT_OTP_LOCKED, NULL, refusal->caller,
            apr_psprintf(pool, "until %s", whk_time_format(pool, refusal->enrolment->locked_until)),
            refusal->now));
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* Counting comes before answering: a guess that the store did not note is not answered as one. */
static const whk_outcome_t *refuse_code(whk_registry_t *registry, const whk_caller_t *caller,
                                        apr_time_t now)
{
    refusal_t refusal = {registry->secret, caller, now, NULL, 0};

    WHK_TRY(whk_store_transaction(registry->store, registry->pool, record_refusal, &refusal));
    if (!refusal.counted && refusal.enrolment && refusal.enrolment->locked_until > now)
        return otp_locked(registry->pool, refusal.enrolment->locked_until, now);
    return otp_invalid(registry->pool);
}

static const whk_outcome_t *match_code(whk_registry_t *registry, const whk_secret_key_t *key,
                                       const whk_otp_enrolment_t *enrolment, const char *code,
                                       apr_time_t now, apr_int64_t *step, int *matches)
{
    whk_totp_t totp = {enrolment->algorithm, enrolment->digits, enrolment->period};
    const unsigned char *secret;
    apr_size_t length;
    const char *flaw;

    if (!whk_totp_valid(&totp))
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        "the OTP enrolment of user %s has impossible parameters: run whkctl check",
                        enrolment->user);
    if (!whk_secret_open(registry->pool, key, enrolment->user, &totp, enrolment->sealed_secret,
                         &secret, &length, &flaw))
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        "the OTP secret of user %s can't be opened: %s", enrolment->user, flaw);
    *matches = whk_totp_match(&totp, secret, length, now, code, step);
    return NULL;
}

static const whk_outcome_t *with_hint(whk_registry_t *registry, const whk_outcome_t *outcome,
                                      const char *hint)
{
    whk_outcome_t *hinted = apr_pmemdup(registry->pool, outcome, sizeof(*hinted));

    hinted->operator_hint = hint;
    return hinted;
}

/* Further ahead than a lock can be: written under a wrong clock. */
static int is_locked(const whk_otp_enrolment_t *enrolment, apr_time_t now)
{
    return enrolment->locked_until > now &&
           enrolment->locked_until <= now + WHK_OTP_LOCK_MOST + WHK_CLOCKS_APART;
}

/* A code was used of a step that has not come yet. It stays used: whoever saw it could send it
 * again once its time has come. */
static int is_ahead(const whk_otp_enrolment_t *enrolment, apr_time_t now)
{
    whk_totp_t totp = {enrolment->algorithm, enrolment->digits, enrolment->period};

    return enrolment->last_step > whk_totp_step(&totp, now + WHK_CLOCKS_APART) + 1;
}

static const char *ahead_hint(whk_registry_t *registry, const whk_otp_enrolment_t *enrolment)
{
    return apr_psprintf(registry->pool,
                        "the code that user %s used last was of a time that has not come yet: a "
                        "clock was ahead; set the clocks, and run whkctl otp enroll --replace for "
                        "a new secret",
                        enrolment->user);
}

/* Judge the code and use it up. Between the two the secret may be sealed anew under another key,
 * which is no fault of the code's: then both are done again, once. */
static const whk_outcome_t *accept_code(whk_registry_t *registry, const whk_secret_key_t *key,
                                        whk_otp_enrolment_t *enrolment, const char *code,
                                        apr_time_t now, int *accepted)
{
    const char *judged = NULL;
    apr_int64_t step;
    int matches;
    int tries;

    *accepted = 0;
    for (tries = 0; tries < 2 && !*accepted && enrolment; tries++) {
        if (judged && !strcmp(judged, enrolment->sealed_secret))
            return NULL;
        WHK_TRY(match_code(registry, key, enrolment, code, now, &step, &matches));
        if (!matches)
            return NULL;
        judged = enrolment->sealed_secret;
        WHK_TRY(whk_store_otp_accept(registry->store, registry->pool, enrolment->user, judged, step,
                                     now, WHK_OTP_LOCK_MOST, accepted));
        if (!*accepted)
            WHK_TRY(
                whk_store_otp_get(registry->store, registry->pool, enrolment->user, &enrolment));
    }
    return NULL;
}

/* ---- what a node remembers by itself ---- */

#define HOUR apr_time_from_sec(3600)

/* By what nobody chooses who has no key: a sealed secret begins with a random nonce. */
static apr_uint64_t *refused_of(const whk_registry_t *registry,
                                const whk_otp_enrolment_t *enrolment)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;
    unsigned int slot = apr_hashfunc_default(enrolment->sealed_secret, &length) % WHK_CHANGE_SLOTS;

    return registry->changes ? &registry->changes->refused[slot] : NULL;
}

/* Count a code before it is judged, so that many at once are no way around. @return 0 where there
 * were too many in this hour, with `left` set to the rest of it */
static int count_code(apr_uint64_t *refused, apr_interval_time_t *left)
{
    apr_time_t now = whk_clock_now();
    apr_uint64_t hour = (apr_uint64_t)(now / HOUR) << 32;
    apr_uint64_t found = __atomic_load_n(refused, __ATOMIC_SEQ_CST);
    apr_uint64_t counted;

    do {
        counted = (found >> 32 == hour >> 32 ? found : hour) + 1;
        if ((apr_uint32_t)counted > WHK_OTP_REFUSED_MOST) {
            *left = HOUR - now % HOUR;
            return 0;
        }
    } while (!__atomic_compare_exchange_n(refused, &found, counted, 0, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return 1;
}

/* It was not refused after all. */
static void uncount_code(apr_uint64_t *refused)
{
    apr_uint64_t found = __atomic_load_n(refused, __ATOMIC_SEQ_CST);

    while ((apr_uint32_t)found > 0 &&
           !__atomic_compare_exchange_n(refused, &found, found - 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        continue;
}

static const whk_outcome_t *too_many(whk_registry_t *registry, const char *user,
                                     apr_interval_time_t left)
{
    return with_hint(registry, otp_locked(registry->pool, left, 0),
                     apr_psprintf(registry->pool,
                                  "more than %d codes of user %s were refused in this hour, which "
                                  "the locks in the registry do not let through: look who lifts "
                                  "them in the database",
                                  WHK_OTP_REFUSED_MOST, user));
}

const whk_outcome_t *whk_totp_check(whk_registry_t *registry, const whk_secret_key_t *key,
                                    const whk_caller_t *caller, const char *code)
{
    const char *user = whk_caller_actor(caller);
    apr_time_t now = whk_time_now();
    whk_otp_enrolment_t *enrolment;
    const whk_outcome_t *outcome;
    apr_interval_time_t left;
    apr_uint64_t *refused;
    int accepted;

    WHK_TRY(whk_store_otp_get(registry->store, registry->pool, user, &enrolment));
    if (!enrolment)
        return with_hint(registry, otp_invalid(registry->pool),
                         apr_psprintf(registry->pool,
                                      "user %s has no OTP secret and so can't register or revoke: "
                                      "run whkctl otp enroll",
                                      user));
    if (is_locked(enrolment, now))
        return otp_locked(registry->pool, enrolment->locked_until, now);
    refused = refused_of(registry, enrolment);
    if (refused && !count_code(refused, &left))
        return too_many(registry, user, left);
    WHK_TRY(accept_code(registry, key, enrolment, code, now, &accepted));
    if (accepted && refused)
        uncount_code(refused);
    if (accepted)
        return NULL;
    outcome = refuse_code(registry, caller, now);
    return is_ahead(enrolment, now) ? with_hint(registry, outcome, ahead_hint(registry, enrolment))
                                    : outcome;
}
