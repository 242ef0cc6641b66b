/* SPDX-License-Identifier: Apache-2.0 */
/* The table of revisions: while it grows, is read, and its writers are killed. */

#include "shared_memory_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <pthread.h>

#include "registry/revision_table.h"

#define READERS 4
#define KILLS 60

static whk_revision_table_t *make(apr_uint32_t most)
{
    whk_revision_table_t *table =
        whk_revision_table_init(share(whk_revision_table_size(most)), most);

    assert_non_null(table);
    return table;
}

static void drop(whk_revision_table_t *table)
{
    munmap(table, whk_revision_table_size(whk_revision_table_most(table)));
}

static const char *name(char *text, unsigned int i)
{
    /* Of all lengths that an id may have. */
    snprintf(text, 1100, "%0*u", 1 + (int)(i % 1020), i);
    return text;
}

static int put(whk_revision_table_t *table, unsigned int i, apr_int64_t revision)
{
    const whk_known_revision_t known = {revision, 2 * revision};
    char text[1100];

    return whk_revision_table_put(table, name(text, i), &known);
}

/* 0: it is not there */
static apr_int64_t get(const whk_revision_table_t *table, unsigned int i)
{
    whk_known_revision_t known;
    char text[1100];

    if (!whk_revision_table_get(table, name(text, i), &known))
        return 0;
    return known.number == 2 * known.revision ? known.revision : -1;
}

static void what_is_put_is_found(void **state)
{
    whk_revision_table_t *table = make(50000);
    unsigned int i;

    (void)state;
    for (i = 0; i < 50000; i++) {
        assert_int_equal(get(table, i), 0);
        assert_int_equal(put(table, i, i + 1), 1);
        assert_int_equal(get(table, i), i + 1);
    }
    for (i = 0; i < 50000; i += 2)
        assert_int_equal(put(table, i, i + 7), 1);
    for (i = 0; i < 50000; i++)
        assert_int_equal(get(table, i), i % 2 ? i + 1 : i + 7);
    for (; i < 100000; i++)
        assert_int_equal(get(table, i), 0);
    drop(table);
}

static void a_full_table(void **state)
{
    whk_revision_table_t *table = make(1000);
    unsigned int i;

    (void)state;
    for (i = 0; i < 1000; i++)
        assert_int_equal(put(table, i, 1), 1);
    for (; i < 2000; i++)
        assert_int_equal(put(table, i, 1), 0);
    for (i = 0; i < 2000; i++)
        assert_int_equal(get(table, i), i < 1000);
    assert_int_equal(put(table, 7, 2), 1);
    assert_int_equal(get(table, 7), 2);
    drop(table);
}

static void a_table_that_is_cleared(void **state)
{
    whk_revision_table_t *table = make(5000);
    unsigned int i;
    int round;

    (void)state;
    for (round = 1; round <= 3; round++) {
        for (i = 0; i < 5000; i += (unsigned int)round)
            assert_int_equal(put(table, i, round), 1);
        for (i = 0; i < 5000; i++)
            assert_int_equal(get(table, i), i % (unsigned int)round ? 0 : round);
        whk_revision_table_clear(table);
        for (i = 0; i < 5000; i++)
            assert_int_equal(get(table, i), 0);
    }
    drop(table);
}

/* Of a block for many, what a million of them touches. */
static void memory_of_a_million(void **state)
{
    size_t size = whk_revision_table_size(4000000);
    long page = sysconf(_SC_PAGESIZE);
    size_t pages = (size + (size_t)page - 1) / (size_t)page;
    unsigned char *resident = malloc(pages);
    whk_revision_table_t *table = make(4000000);
    size_t touched = 0;
    size_t i;

    (void)state;
    assert_non_null(resident);
    for (i = 0; i < 1000000; i++)
        assert_int_equal(put(table, (unsigned int)i, 1), 1);
    assert_int_equal(mincore(table, size, resident), 0);
    for (i = 0; i < pages; i++)
        touched += resident[i] & 1;
    print_message("# %lu MiB\n", (unsigned long)(touched * (size_t)page >> 20));
    assert_true(touched * (size_t)page < (size_t)56 << 20);
    free(resident);
    drop(table);
}

/* ---- several at once ---- */

static whk_revision_table_t *shared;
static _Atomic unsigned int written;
static _Atomic int wrong;

/* Whatever was there when it was asked for is found, at the revision that it had or a later one. */
static void *read_on(void *unused)
{
    unsigned int state = (unsigned int)(uintptr_t)pthread_self();

    while (written < 30000) {
        unsigned int known = written;
        unsigned int i = known ? (unsigned int)rand_r(&state) % known : 0;

        if (known && get(shared, i) < 1)
            wrong++;
        if (get(shared, 40000 + i))
            wrong++;
    }
    return unused;
}

static void readers_while_it_grows(void **state)
{
    pthread_t readers[READERS];
    unsigned int i;

    (void)state;
    shared = make(30000);
    written = 0;
    wrong = 0;
    for (i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, NULL), 0);
    for (i = 0; i < 30000; i++) {
        put(shared, i, 1);
        written = i + 1;
    }
    for (i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(wrong, 0);
    drop(shared);
}

static void write_from(whk_revision_table_t *table, _Atomic unsigned int *done)
{
    for (;;) {
        put(table, *done, *done + 1);
        ++*done;
    }
}

/* What one had begun the next does again, and nothing else is harmed. */
static void writers_that_are_killed(void **state)
{
    _Atomic unsigned int *done = share(sizeof(*done));
    whk_revision_table_t *table = make(10000000);
    unsigned int i;
    int kills;

    (void)state;
    for (kills = 0; kills < KILLS; kills++) {
        pid_t writer = fork();

        if (!writer)
            write_from(table, done);
        usleep(200 + 137 * ((unsigned int)kills % 20));
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
        for (i = *done > 3000 ? *done - 3000 : 0; i < *done; i++)
            assert_int_equal(get(table, i), i + 1);
    }
    print_message("# %u entries\n", *done);
    for (i = 0; i < *done; i++)
        assert_int_equal(get(table, i), i + 1);
    drop(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found),    cmocka_unit_test(a_full_table),
        cmocka_unit_test(a_table_that_is_cleared), cmocka_unit_test(memory_of_a_million),
        cmocka_unit_test(readers_while_it_grows),  cmocka_unit_test(writers_that_are_killed),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
