/* SPDX-License-Identifier: Apache-2.0 */
/* So many a minute one by one, and a count of the rest, of several processes together. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared_memory_fixture.h"

#include "model/limited_count.h"

#define MOST 10
#define START apr_time_from_sec(1000)

static whk_limited_count_t count;
static whk_limited_report_t report;

static int add(apr_time_t now, const char *name)
{
    return whk_limited_count_add(&count, now, MOST, name, 3, name ? name : "nobody");
}

static int set_up(void **state)
{
    (void)state;
    memset(&count, 0, sizeof(count));
    return 0;
}

static void the_first_are_logged(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < MOST; i++)
        assert_true(add(START + i, "acme"));
    assert_false(add(START + i, "acme"));
    assert_false(add(START + WHK_LIMITED_MINUTE - 1, "acme"));
    assert_true(add(START + WHK_LIMITED_MINUTE, "acme"));
}

static void the_rest_is_reported_once(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < MOST + 5; i++)
        add(START, i % 2 ? "one" : "other");
    assert_false(whk_limited_count_take(&count, START + WHK_LIMITED_MINUTE - 1, 0, &report));
    assert_true(whk_limited_count_take(&count, START + WHK_LIMITED_MINUTE, 0, &report));
    assert_int_equal(report.count, 5);
    assert_int_equal(report.names, 2);
    assert_int_equal(report.seconds, 60);
    assert_int_equal(report.server, 3);
    assert_string_equal(report.last, "other");
    assert_false(whk_limited_count_take(&count, START + WHK_LIMITED_MINUTE, 0, &report));
    assert_false(whk_limited_count_take(&count, START + WHK_LIMITED_MINUTE, 1, &report));
}

static void at_the_end_at_once(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < MOST + 1; i++)
        add(START, NULL);
    assert_true(whk_limited_count_take(&count, START + apr_time_from_sec(7), 1, &report));
    assert_int_equal(report.count, 1);
    assert_int_equal(report.names, 0);
    assert_int_equal(report.seconds, 7);
}

static void nothing_is_reported_of_nothing(void **state)
{
    (void)state;
    assert_false(whk_limited_count_take(&count, START, 1, &report));
    add(START, "acme");
    assert_false(whk_limited_count_take(&count, START + WHK_LIMITED_MINUTE, 1, &report));
}

static void a_long_text_is_cut_off(void **state)
{
    char text[2 * WHK_LIMITED_TEXT];
    int i;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (i = 0; i < MOST + 1; i++)
        add(START, text);
    assert_true(whk_limited_count_take(&count, START, 1, &report));
    assert_int_equal(strlen(report.last), WHK_LIMITED_TEXT - 1);
}

/* Also after one that was killed while it wrote the last. */
static void processes_count_together(void **state)
{
    whk_limited_count_t *shared = share(sizeof(*shared));
    int logged = 0;
    int status;
    int i;
    int j;

    (void)state;
    for (i = 0; i < 4; i++)
        if (!fork()) {
            for (j = 0; j < 1000; j++)
                logged += whk_limited_count_add(shared, START, MOST, "acme", 0, "acme");
            _exit(logged);
        }
    for (i = 0; i < 4; i++) {
        wait(&status);
        logged += WEXITSTATUS(status);
    }
    assert_in_range(logged, MOST, MOST + 4);
    atomic_store(&shared->writing, 1);
    assert_false(whk_limited_count_add(shared, START, MOST, "acme", 0, "acme"));
    assert_true(whk_limited_count_take(shared, START, 1, &report));
    assert_int_equal(report.count, 4001 - logged);
    assert_int_equal(report.names, 1);
    munmap(shared, sizeof(*shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_are_logged, set_up),
        cmocka_unit_test_setup(the_rest_is_reported_once, set_up),
        cmocka_unit_test_setup(at_the_end_at_once, set_up),
        cmocka_unit_test_setup(nothing_is_reported_of_nothing, set_up),
        cmocka_unit_test_setup(a_long_text_is_cut_off, set_up),
        cmocka_unit_test_setup(processes_count_together, set_up),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
