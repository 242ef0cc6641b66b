/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** How one-time passwords are kept from being guessed: a user whose codes are refused is locked,
 * and a node checks no more than so many an hour. The rules stand here; the store counts what it is
 * told, and keeps until when a user is locked. */

#include "registry/registry.h"
#include "store/otp_enrolments.h"

/** Refused codes in a row after which a user is locked, for how long at first and at most: each
 *  further one doubles it. */
#define WHK_OTP_LOCK_AFTER 5
#define WHK_OTP_LOCK_FIRST apr_time_from_sec(30)
#define WHK_OTP_LOCK_MOST apr_time_from_sec(3600)

/** Refused codes of a user that a node checks in an hour, whatever the store says of locks: more
 *  than those let through, so that only who lifts them in the database meets it. */
#define WHK_OTP_REFUSED_MOST 60

/** Until when a user is locked whose `failures`th code in a row is refused `now`; 0: not at all. */
apr_time_t whk_otp_lock_end(int failures, apr_time_t now);

/** The latest end that a lock can have `now`: what says more was written under a wrong clock, and
 *  is over. */
apr_time_t whk_otp_lock_latest(apr_time_t now);

int whk_otp_is_locked(const whk_otp_enrolment_t *enrolment, apr_time_t now);

/** otp_locked, with what is left of the lock as its retry_after. */
const whk_outcome_t *whk_otp_locked(apr_pool_t *pool, apr_interval_time_t left);

/** Count a refused code, lock the user where that is due, and write both to the audit trail: in one
 * transaction.
 * @param locked_until set to the end of a lock that somebody else's refused code caused meanwhile,
 *                     so that this one was not counted; else 0
 * @param locks        set to the end of the lock that this one causes; 0: it causes none */
const whk_outcome_t *whk_otp_record_refusal(whk_registry_t *registry, const whk_caller_t *caller,
                                            apr_time_t now, apr_time_t *locked_until,
                                            apr_time_t *locks);

/** Take one of the codes that a node checks of this enrolment in an hour: before it is checked, so
 * that many at once are no way around.
 * @return NULL, or otp_locked with a hint */
const whk_outcome_t *whk_otp_quota_take(const whk_registry_t *registry,
                                        const whk_otp_enrolment_t *enrolment);

/** Give it back: the code was accepted. */
void whk_otp_quota_return(const whk_registry_t *registry, const whk_otp_enrolment_t *enrolment);
