/* SPDX-License-Identifier: Apache-2.0 */
/* For how long a user is locked whose codes are refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/clock.h"
#include "registry/otp_lock.h"

#define NOW apr_time_from_sec(1800000000)

static void each_refusal_doubles_the_lock(void **state)
{
    static const struct {
        int failures;
        int seconds; /* 0: not locked */
    } rows[] = {{1, 0},   {4, 0},    {5, 30},    {6, 60},    {7, 120},          {8, 240},
                {9, 480}, {10, 960}, {11, 1920}, {12, 3600}, {13, 3600},        {100, 3600},
                {-1, 0},  {0, 0},    {40, 3600}, {70, 3600}, {0x7fffffff, 3600}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(whk_otp_lock_end(rows[i].failures, NOW),
                         rows[i].seconds ? NOW + apr_time_from_sec(rows[i].seconds) : 0);
}

/* A lock that no clock of ours can have written is none. */
static void a_lock_lasts_no_longer_than_one_can(void **state)
{
    whk_otp_enrolment_t enrolment = {.user = "alice"};
    apr_time_t latest = NOW + apr_time_from_sec(3600) + WHK_CLOCKS_APART;

    (void)state;
    assert_int_equal(whk_otp_lock_latest(NOW), latest);
    assert_false(whk_otp_is_locked(&enrolment, NOW));
    enrolment.locked_until = NOW;
    assert_false(whk_otp_is_locked(&enrolment, NOW));
    enrolment.locked_until = NOW + 1;
    assert_true(whk_otp_is_locked(&enrolment, NOW));
    enrolment.locked_until = latest;
    assert_true(whk_otp_is_locked(&enrolment, NOW));
    enrolment.locked_until = latest + 1;
    assert_false(whk_otp_is_locked(&enrolment, NOW));
}

static void what_is_left_is_told_in_whole_seconds(void **state)
{
    apr_pool_t *pool;

    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    assert_int_equal(whk_otp_locked(pool, 1)->retry_after, 1);
    assert_int_equal(whk_otp_locked(pool, 0)->retry_after, 1);
    assert_int_equal(whk_otp_locked(pool, -apr_time_from_sec(9))->retry_after, 1);
    assert_int_equal(whk_otp_locked(pool, apr_time_from_sec(30))->retry_after, 30);
    assert_int_equal(whk_otp_locked(pool, apr_time_from_sec(30) + 1)->retry_after, 31);
    assert_string_equal(whk_otp_locked(pool, apr_time_from_sec(30))->message,
                        "too many refused one-time passwords: wait 30 seconds, then send a fresh "
                        "code");
    apr_pool_destroy(pool);
    apr_terminate();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_doubles_the_lock),
        cmocka_unit_test(a_lock_lasts_no_longer_than_one_can),
        cmocka_unit_test(what_is_left_is_told_in_whole_seconds),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
