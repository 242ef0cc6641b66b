/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/otp_lock.h"

#include <apr_strings.h>

#include "model/clock.h"
#include "model/log_number.h"
#include "model/timestamp.h"
#include "registry/audit_trail.h"
#include "store/enterprises.h"
#include "store/transaction.h"

apr_time_t whk_otp_lock_end(int failures, apr_time_t now)
{
    apr_interval_time_t lock = WHK_OTP_LOCK_FIRST;

    if (failures < WHK_OTP_LOCK_AFTER)
        return 0;
    while (failures-- > WHK_OTP_LOCK_AFTER && lock < WHK_OTP_LOCK_MOST)
        lock *= 2;
    return now + (lock < WHK_OTP_LOCK_MOST ? lock : WHK_OTP_LOCK_MOST);
}

apr_time_t whk_otp_lock_latest(apr_time_t now)
{
    return now + WHK_OTP_LOCK_MOST + WHK_CLOCKS_APART;
}

int whk_otp_is_locked(const whk_otp_enrolment_t *enrolment, apr_time_t now)
{
    return enrolment->locked_until > now && enrolment->locked_until <= whk_otp_lock_latest(now);
}

const whk_outcome_t *whk_otp_locked(apr_pool_t *pool, apr_interval_time_t left)
{
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

/* ---- refused codes, in the registry ---- */

typedef struct {
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    apr_time_t now;
    whk_otp_enrolment_t *enrolment;
    int counted;
    apr_time_t locks; /* the end of the lock that it brings; 0: none */
} refusal_t;

static const whk_outcome_t *append_event(whk_store_t *store, apr_pool_t *pool,
                                         const refusal_t *refusal, whk_enterprise_t *enterprise,
                                         whk_event_type_t type, const char *detail)
{
    return whk_audit_append(store, pool, refusal->secret, enterprise, type, NULL, refusal->caller,
                            detail, refusal->now);
}

static const whk_outcome_t *record(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    refusal_t *refusal = baton;
    const char *user = whk_caller_actor(refusal->caller);
    whk_enterprise_t *enterprise;
    apr_time_t end = 0;

    /* The enterprise first: every transaction takes its locks in this order. */
    WHK_TRY(whk_store_enterprise_lock(store, pool, whk_caller_enterprise(refusal->caller),
                                      &enterprise));
    WHK_TRY(whk_store_otp_count_refusal(store, pool, user, refusal->now,
                                        whk_otp_lock_latest(refusal->now), &refusal->enrolment,
                                        &refusal->counted));
    if (refusal->counted && refusal->enrolment)
        end = whk_otp_lock_end(refusal->enrolment->failures, refusal->now);
    refusal->locks = end;
    if (end)
        WHK_TRY(whk_store_otp_lock(store, pool, user, end));
    if (!refusal->counted || !enterprise)
        return NULL;
    WHK_TRY(append_event(store, pool, refusal, enterprise, WHK_EVENT_OTP_REFUSED, NULL));
    if (end)
        WHK_TRY(append_event(store, pool, refusal, enterprise, WHK_EVENT_OTP_LOCKED,
                             apr_psprintf(pool, "until %s", whk_time_format(pool, end))));
    return whk_store_enterprise_update(store, pool, enterprise);
}

const whk_outcome_t *whk_otp_record_refusal(whk_registry_t *registry, const whk_caller_t *caller,
                                            apr_time_t now, apr_time_t *locked_until,
                                            apr_time_t *locks)
{
    refusal_t refusal = {registry->secret, caller, now, NULL, 0, 0};

    WHK_TRY(whk_store_transaction(registry->store, registry->pool, record, &refusal));
    *locked_until = !refusal.counted && refusal.enrolment && refusal.enrolment->locked_until > now
                        ? refusal.enrolment->locked_until
                        : 0;
    *locks = refusal.locks;
    return NULL;
}

/* ---- what a node checks in an hour ---- */

#define HOUR apr_time_from_sec(3600)

/* By what nobody chooses who has no key: a sealed secret begins with a random nonce. */
static apr_uint64_t *refused_of(const whk_registry_t *registry,
                                const whk_otp_enrolment_t *enrolment)
{
    return registry->counters
               ? &registry->counters->refused_codes[whk_counter_slot(enrolment->sealed_secret)]
               : NULL;
}

static const whk_outcome_t *too_many(const whk_registry_t *registry, const char *user,
                                     apr_interval_time_t left)
{
    whk_outcome_t *outcome =
        apr_pmemdup(registry->pool, whk_otp_locked(registry->pool, left), sizeof(*outcome));

    outcome->operator_hint = apr_psprintf(
        registry->pool,
        WHK_LOGNO(0229) "more than %d codes of user %s were refused in this hour, which the locks "
                        "in the registry do not let through: look who lifts them in the database",
        WHK_OTP_REFUSED_MOST, user);
    return outcome;
}

const whk_outcome_t *whk_otp_quota_take(const whk_registry_t *registry,
                                        const whk_otp_enrolment_t *enrolment)
{
    apr_uint64_t *refused = refused_of(registry, enrolment);
    apr_time_t now = whk_clock_now();
    apr_uint64_t hour = (apr_uint64_t)(now / HOUR) << 32;
    apr_uint64_t found = refused ? __atomic_load_n(refused, __ATOMIC_SEQ_CST) : 0;
    apr_uint64_t counted;

    if (!refused)
        return NULL;
    do {
        counted = (found >> 32 == hour >> 32 ? found : hour) + 1;
        if ((apr_uint32_t)counted > WHK_OTP_REFUSED_MOST)
            return too_many(registry, enrolment->user, HOUR - now % HOUR);
    } while (!__atomic_compare_exchange_n(refused, &found, counted, 0, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return NULL;
}

void whk_otp_quota_return(const whk_registry_t *registry, const whk_otp_enrolment_t *enrolment)
{
    apr_uint64_t *refused = refused_of(registry, enrolment);
    apr_uint64_t found = refused ? __atomic_load_n(refused, __ATOMIC_SEQ_CST) : 0;

    while ((apr_uint32_t)found > 0 &&
           !__atomic_compare_exchange_n(refused, &found, found - 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        continue;
}
