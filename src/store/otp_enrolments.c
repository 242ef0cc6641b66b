/* SPDX-License-Identifier: Apache-2.0 */
#include "store/otp_enrolments.h"
#include "store/write.h"

static void *read_enrolment(whk_row_t *row)
{
    whk_otp_enrolment_t *enrolment = apr_pcalloc(row->pool, sizeof(*enrolment));

    enrolment->user = whk_row_text(row, 0);
    enrolment->sealed_secret = whk_row_text(row, 1);
    enrolment->algorithm = whk_row_text(row, 2);
    enrolment->digits = (int)whk_row_number(row, 3);
    enrolment->period = (int)whk_row_number(row, 4);
    enrolment->last_step = whk_row_number(row, 5);
    enrolment->failures = (int)whk_row_number(row, 6);
    enrolment->locked_until = whk_row_time(row, 7);
    enrolment->created = whk_row_time(row, 8);
    return enrolment;
}

const whk_outcome_t *whk_store_otp_get(whk_store_t *store, apr_pool_t *pool, const char *user,
                                       whk_otp_enrolment_t **enrolment)
{
    const void *arguments[] = {user};

    WHK_TRY(whk_statement_read_one(store, pool, SQL_OTP_GET, arguments, read_enrolment,
                                   (void **)enrolment));
    return *enrolment ? whk_row_check_match(pool, user, (*enrolment)->user) : NULL;
}

const whk_outcome_t *whk_store_otp_list(whk_store_t *store, apr_pool_t *pool,
                                        apr_array_header_t **enrolments)
{
    const void *arguments[] = {NULL};

    return whk_statement_read(store, pool, SQL_OTP_LIST, arguments, read_enrolment, enrolments);
}

const whk_outcome_t *whk_store_otp_put(whk_store_t *store, apr_pool_t *pool,
                                       const whk_otp_enrolment_t *enrolment)
{
    apr_int64_t digits = enrolment->digits;
    apr_int64_t period = enrolment->period;
    apr_int64_t failures = enrolment->failures;
    apr_int64_t locked_until = apr_time_as_msec(enrolment->locked_until);
    apr_int64_t created = apr_time_as_msec(enrolment->created);
    const void *arguments[] = {enrolment->user,
                               enrolment->sealed_secret,
                               enrolment->algorithm,
                               &digits,
                               &period,
                               &enrolment->last_step,
                               &failures,
                               &locked_until,
                               &created};

    return whk_write(store, pool, SQL_OTP_PUT, arguments, NULL);
}

const whk_outcome_t *whk_store_otp_add(whk_store_t *store, apr_pool_t *pool,
                                       const whk_otp_enrolment_t *enrolment)
{
    apr_int64_t digits = enrolment->digits;
    apr_int64_t period = enrolment->period;
    apr_int64_t created = apr_time_as_msec(enrolment->created);
    const void *arguments[] = {
        enrolment->user, enrolment->sealed_secret, enrolment->algorithm, &digits, &period,
        &created};

    return whk_write(store, pool, SQL_OTP_ADD, arguments, NULL);
}

const whk_outcome_t *whk_store_otp_set_period(whk_store_t *store, apr_pool_t *pool,
                                              const whk_otp_enrolment_t *enrolment, int period,
                                              apr_int64_t last_step)
{
    apr_int64_t wanted = period;
    apr_int64_t was = enrolment->period;
    const void *arguments[] = {
        &wanted, &last_step,           enrolment->user, enrolment->sealed_secret,
        &was,    &enrolment->last_step};

    return whk_write(store, pool, SQL_OTP_SET_PERIOD, arguments, NULL);
}

const whk_outcome_t *whk_store_otp_remove(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          int *removed)
{
    const void *arguments[] = {user};

    return whk_write(store, pool, SQL_OTP_REMOVE, arguments, removed);
}

const whk_outcome_t *whk_store_otp_unlock(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          int *unlocked)
{
    const void *arguments[] = {user};

    return whk_write(store, pool, SQL_OTP_UNLOCK, arguments, unlocked);
}

const whk_outcome_t *whk_store_otp_accept(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          const char *sealed_secret, apr_int64_t step,
                                          apr_time_t now, apr_time_t lock_latest, int *accepted)
{
    apr_int64_t now_ms = apr_time_as_msec(now);
    apr_int64_t latest = apr_time_as_msec(lock_latest);
    const void *arguments[] = {&step, user, sealed_secret, &step, &now_ms, &latest};

    return whk_write(store, pool, SQL_OTP_ACCEPT, arguments, accepted);
}

const whk_outcome_t *whk_store_otp_count_refusal(whk_store_t *store, apr_pool_t *pool,
                                                 const char *user, apr_time_t now,
                                                 apr_time_t lock_latest,
                                                 whk_otp_enrolment_t **enrolment, int *counted)
{
    apr_int64_t now_ms = apr_time_as_msec(now);
    apr_int64_t latest = apr_time_as_msec(lock_latest);
    const void *arguments[] = {user, &now_ms, &latest};

    WHK_TRY(whk_statement_write(store, pool, SQL_OTP_COUNT_REFUSAL, arguments, counted));
    return whk_store_otp_get(store, pool, user, enrolment);
}

const whk_outcome_t *whk_store_otp_lock(whk_store_t *store, apr_pool_t *pool, const char *user,
                                        apr_time_t until)
{
    apr_int64_t until_ms = apr_time_as_msec(until);
    const void *arguments[] = {&until_ms, user};

    return whk_statement_write(store, pool, SQL_OTP_LOCK, arguments, NULL);
}

const whk_outcome_t *whk_store_otp_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_otp_enrolment_t *enrolment, const char *sealed,
                                          int *done)
{
    const void *arguments[] = {sealed, enrolment->user, enrolment->sealed_secret};

    return whk_statement_write(store, pool, SQL_OTP_RESEAL, arguments, done);
}
