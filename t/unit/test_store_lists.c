/* SPDX-License-Identifier: Apache-2.0 */
/* An enterprise's keys by the page: each holds what it has to, whatever was revoked. */
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/transaction.h"
#include "store_fixture.h"

/* By which pages are asked for. */
static apr_time_t now;

static void plan_key(fixture_t *fixture, const char *key_id, int milliseconds)
{
    run_sql(fixture->link,
            apr_psprintf(fixture->pool, "UPDATE whk_key SET revokes_at = %d WHERE key_id = '%s'",
                         milliseconds, key_id));
}

static const char *page(fixture_t *fixture, const char *status, int limit, apr_int64_t offset,
                        apr_int64_t *total)
{
    apr_array_header_t *keys;
    const char *names = "";
    int i;

    *total = -1;
    good(whk_store_key_list(fixture->link->store, fixture->pool, "acme", status, now, limit, offset,
                            &keys, total));
    for (i = 0; i < keys->nelts; i++)
        names =
            apr_pstrcat(fixture->pool, names, APR_ARRAY_IDX(keys, i, whk_key_t *)->key_id, NULL);
    return names;
}

static void keys_by_the_page(void **state)
{
    static const char *const names[] = {"z", "b", "m", "a", "y"};
    fixture_t *fixture = *state;
    apr_int64_t total;
    size_t i;

    assert_string_equal(page(fixture, NULL, 10, 0, &total), "");
    assert_int_equal(total, 0);
    for (i = 0; i < 5; i++)
        good(insert(fixture, "acme", names[i], names[i]));
    assert_int_equal(revoke_key(fixture, "b"), 1);
    assert_int_equal(revoke_key(fixture, "a"), 1);
    assert_string_equal(page(fixture, NULL, 10, 0, &total), "zbmay");
    assert_int_equal(total, 5);
    assert_string_equal(page(fixture, NULL, 2, 0, &total), "zb");
    assert_int_equal(total, 5);
    assert_string_equal(page(fixture, NULL, 2, 4, &total), "y");
    assert_string_equal(page(fixture, NULL, 2, 5, &total), "");
    assert_int_equal(total, 5);
    assert_string_equal(page(fixture, NULL, 2, APR_INT64_MAX, &total), "");
    assert_string_equal(page(fixture, "ACTIVE", 10, 0, &total), "zmy");
    assert_int_equal(total, 3);
    assert_string_equal(page(fixture, "ACTIVE", 1, 1, &total), "m");
    assert_string_equal(page(fixture, "REVOKED", 10, 0, &total), "ba");
    assert_int_equal(total, 2);
}

#define MANY 130

/* Which of MANY are revoked: the first, the last, runs of them, and single ones. */
static int is_to_be_revoked(int number)
{
    return number <= 3 || number == MANY || (number > 20 && number < 45) ||
           number * number % 7 == 2;
}

static const char *many_name(fixture_t *fixture, int number)
{
    return apr_psprintf(fixture->pool, "%d,", number);
}

/* What a page of them has to be, and how many match. */
static const char *expected_page(fixture_t *fixture, const char *status, int limit, int offset,
                                 int *total)
{
    const char *names = "";
    int number;

    *total = 0;
    for (number = 1; number <= MANY; number++) {
        if (status && is_to_be_revoked(number) != !strcmp(status, "REVOKED"))
            continue;
        if (*total >= offset && *total < offset + limit)
            names = apr_pstrcat(fixture->pool, names, many_name(fixture, number), NULL);
        ++*total;
    }
    return names;
}

static void every_page(fixture_t *fixture)
{
    static const char *const statuses[] = {NULL, "ACTIVE", "REVOKED"};
    static const int limits[] = {1, 7, 100};
    apr_int64_t total;
    int i, j, offset, expected_total;

    for (i = 0; i < 3; i++)
        for (j = 0; j < 3; j++)
            for (offset = 0; offset <= MANY + 1; offset++) {
                const char *expected =
                    expected_page(fixture, statuses[i], limits[j], offset, &expected_total);

                assert_string_equal(page(fixture, statuses[i], limits[j], offset, &total),
                                    expected);
                assert_int_equal(total, expected_total);
            }
}

static void every_page_of_many_keys(void **state)
{
    fixture_t *fixture = *state;
    int i;

    for (i = 1; i <= MANY; i++)
        good(insert(fixture, "acme", many_name(fixture, i), many_name(fixture, i)));
    for (i = 1; i <= MANY; i++)
        if (is_to_be_revoked(i))
            assert_int_equal(revoke_key(fixture, many_name(fixture, i)), 1);
    every_page(fixture);
}

/* Some are revoked by their rows, others since their time has come, and of the rest some will be.
 */
static void every_page_where_some_are_due(void **state)
{
    fixture_t *fixture = *state;
    int i;

    now = apr_time_from_msec(1000);
    for (i = 1; i <= MANY; i++) {
        good(insert(fixture, "acme", many_name(fixture, i), many_name(fixture, i)));
        if (!is_to_be_revoked(i) && i % 3 == 0)
            plan_key(fixture, many_name(fixture, i), 1001 + i % 2);
        if (!is_to_be_revoked(i))
            continue;
        if (i % 2)
            plan_key(fixture, many_name(fixture, i), i % 4 == 1 ? 1000 : 1);
        else
            assert_int_equal(revoke_key(fixture, many_name(fixture, i)), 1);
    }
    every_page(fixture);
    now = 0;
}

/* It is one, whichever of the two says so first. */
static void a_key_that_is_written_between(void **state)
{
    fixture_t *fixture = *state;
    apr_array_header_t *due;
    apr_int64_t total;

    now = apr_time_from_msec(1000);
    good(insert(fixture, "acme", "a", "a"));
    good(insert(fixture, "acme", "b", "b"));
    plan_key(fixture, "a", 1000);
    assert_string_equal(page(fixture, "REVOKED", 10, 0, &total), "a");
    assert_int_equal(total, 1);
    assert_string_equal(page(fixture, "ACTIVE", 10, 0, &total), "b");
    assert_int_equal(total, 1);
    assert_int_equal(revoke_key(fixture, "a"), 1);
    assert_string_equal(page(fixture, "REVOKED", 10, 0, &total), "a");
    assert_int_equal(total, 1);
    good(whk_store_key_due_numbers(fixture->link->store, fixture->pool, "acme", now, &due));
    assert_int_equal(due->nelts, 0);
    now = 0;
}

static void bad_page(fixture_t *fixture, const char *status, apr_int64_t offset, const char *phrase)
{
    apr_array_header_t *keys;
    apr_int64_t total;

    bad(whk_store_key_list(fixture->link->store, fixture->pool, "acme", status, now, 2, offset,
                           &keys, &total),
        WHK_INTERNAL_ERROR, phrase);
}

/* What the enterprise's row and the numbers say is nothing that a seal holds. */
static void a_page_that_lacks_a_key(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const char *const statuses[] = {NULL, "ACTIVE", "REVOKED"};
    fixture_t *fixture = *state;
    apr_int64_t total;
    int i;

    for (i = 0; i < 4; i++)
        good(insert(fixture, "acme", names[i], names[i]));
    run_sql(fixture->link, "UPDATE whk_key SET key_number = 30 WHERE key_id = 'c'");
    assert_string_equal(page(fixture, NULL, 2, 0, &total), "ab");
    bad_page(fixture, NULL, 1, "key number 3 of enterprise acme is missing: run whkctl audit");
    bad_page(fixture, NULL, 2, "key number 3 of enterprise acme is missing");
    run_sql(fixture->link, "UPDATE whk_key SET key_number = 3 WHERE key_id = 'c'");
    run_sql(fixture->link, "UPDATE whk_enterprise SET key_count = 5");
    assert_string_equal(page(fixture, NULL, 2, 2, &total), "cd");
    bad_page(fixture, NULL, 3, "key number 5 of enterprise acme is missing");
    run_sql(fixture->link, "UPDATE whk_enterprise SET key_count = 9223372036854775807");
    bad_page(fixture, NULL, APR_INT64_MAX - 1, "key number 9223372036854775807");
    assert_string_equal(page(fixture, NULL, 2, APR_INT64_MAX, &total), "");
    /* A key of each number up there. */
    run_sql(fixture->link,
            "UPDATE whk_key SET key_number = 9223372036854775807 WHERE key_id = 'd'");
    assert_string_equal(page(fixture, "REVOKED", 2, APR_INT64_MAX - 5, &total), "");
    run_sql(fixture->link, "UPDATE whk_enterprise SET key_count = 3");
    for (i = 0; i < 3; i++)
        bad_page(fixture, statuses[i], 0, "tells of 4 ACTIVE keys of 3 in all: run whkctl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(keys_by_the_page),
        STORE_TEST(every_page_of_many_keys),
        STORE_TEST(every_page_where_some_are_due),
        STORE_TEST(a_key_that_is_written_between),
        STORE_TEST(a_page_that_lacks_a_key),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
