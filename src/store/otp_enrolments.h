/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Users' enrolments for one-time passwords, and the state of each: the last step used, refused
 * codes, the lock. */

#include "store/store.h"

/** What `sealed_secret` begins with where the secret itself is in a table of the operator's own,
 * and this row has its state alone. No sealed secret does. */
#define WHK_OTP_ELSEWHERE "elsewhere."

/** A user's OTP enrolment and its state. */
typedef struct whk_otp_enrolment_t {
    const char *user;
    const char *sealed_secret; /**< see otp/secret_box.h */
    const char *algorithm;     /**< sha1, sha256 or sha512 */
    int digits;                /**< 6 or 8 */
    int period;                /**< seconds, 15 to 60 */
    apr_int64_t last_step;     /**< the newest step that was used; -1: none */
    int failures;              /**< refused codes in a row */
    apr_time_t locked_until;   /**< 0: not locked */
    apr_time_t created;
} whk_otp_enrolment_t;

/** NULL where the user has none. */
const whk_outcome_t *whk_store_otp_get(whk_store_t *store, apr_pool_t *pool, const char *user,
                                       whk_otp_enrolment_t **enrolment);

/** Every enrolment, by user: an array of `whk_otp_enrolment_t *`; for `whkctl check`. */
const whk_outcome_t *whk_store_otp_list(whk_store_t *store, apr_pool_t *pool,
                                        apr_array_header_t **enrolments);

/** Insert, or replace what the user had, its state included. */
const whk_outcome_t *whk_store_otp_put(whk_store_t *store, apr_pool_t *pool,
                                       const whk_otp_enrolment_t *enrolment);

/** Insert, where the user has none. */
const whk_outcome_t *whk_store_otp_add(whk_store_t *store, apr_pool_t *pool,
                                       const whk_otp_enrolment_t *enrolment);

/** Write another period, and the last step as it is in that, where the row is as it was read.
 * Whoever reads it again sees what is there. */
const whk_outcome_t *whk_store_otp_set_period(whk_store_t *store, apr_pool_t *pool,
                                              const whk_otp_enrolment_t *enrolment, int period,
                                              apr_int64_t last_step);

const whk_outcome_t *whk_store_otp_remove(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          int *removed);

/** failures = 0, not locked. `unlocked` is 0 where the user has no enrolment. */
const whk_outcome_t *whk_store_otp_unlock(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          int *unlocked);

/** Use a step up, in one atomic update: last_step = `step`, failures = 0, not locked. `accepted` is
 * 0, and nothing changed, where last_step is not before it, the user is locked at `now` (until no
 * later than `lock_latest`), or the sealed secret is no longer the one that the code was checked
 * by. */
const whk_outcome_t *whk_store_otp_accept(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          const char *sealed_secret, apr_int64_t step,
                                          apr_time_t now, apr_time_t lock_latest, int *accepted);

/**
 * [T] Count a refused code of a user who is not locked at `now`: failures + 1. `counted` is 0 where
 * he is, or has no enrolment; `enrolment` is set to what is stored afterwards, or NULL.
 * @param lock_latest what is locked until after that was so under a wrong clock, and is not locked
 */
const whk_outcome_t *whk_store_otp_count_refusal(whk_store_t *store, apr_pool_t *pool,
                                                 const char *user, apr_time_t now,
                                                 apr_time_t lock_latest,
                                                 whk_otp_enrolment_t **enrolment, int *counted);

/** [T] Lock a user. How long, the registry decides (registry/otp_lock.h). */
const whk_outcome_t *whk_store_otp_lock(whk_store_t *store, apr_pool_t *pool, const char *user,
                                        apr_time_t until);

/** [T] Put `sealed` in the place of the one that the row was read with, sealed under another key.
 * `done` is 0, and nothing changed, where the row was changed since. */
const whk_outcome_t *whk_store_otp_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_otp_enrolment_t *enrolment, const char *sealed,
                                          int *done);
