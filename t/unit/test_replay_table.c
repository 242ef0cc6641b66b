/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of uses: what is known, for how long, whose share, and what is left of it when a
 * process is killed inside. */

#include "shared_memory_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "registry/replay_table.h"

#define START apr_time_from_sec(1800000000)
#define LIFE apr_time_from_sec(300)
#define KILLS 200

static apr_pool_t *pool;
static whk_replay_clock_t now;

static whk_replay_table_t *make(apr_uint32_t entries)
{
    whk_replay_table_t *memory =
        whk_replay_table_init(share(whk_replay_table_size(entries)), entries);

    assert_non_null(memory);
    assert_int_equal(whk_replay_table_entries(memory), entries);
    now.wall = START;
    now.steady = apr_time_from_sec(5000);
    return memory;
}

static void unmake(whk_replay_table_t *memory)
{
    munmap(memory, whk_replay_table_size(whk_replay_table_entries(memory)));
}

static void pass(apr_interval_time_t time)
{
    now.wall += time;
    now.steady += time;
}

static whk_replay_name_t name_of(const char *enterprise, const char *id)
{
    whk_replay_name_t name;

    assert_true(whk_replay_name(&name, enterprise, id, pool));
    return name;
}

static whk_replay_result_t use(whk_replay_table_t *memory, const char *enterprise, const char *id,
                               apr_interval_time_t life)
{
    whk_replay_name_t owner = name_of(enterprise, NULL);
    whk_replay_name_t name = name_of(enterprise, id);

    return whk_replay_table_reserve(memory, &owner, &name, 1, now.wall + life, &now);
}

static whk_replay_result_t use_all(whk_replay_table_t *memory, const char *enterprise,
                                   const char *const *ids, int count)
{
    whk_replay_name_t owner = name_of(enterprise, NULL);
    whk_replay_name_t names[17];
    int i;

    for (i = 0; i < count; i++)
        names[i] = name_of(enterprise, ids[i]);
    return whk_replay_table_reserve(memory, &owner, names, count, now.wall + LIFE, &now);
}

static void give_back(whk_replay_table_t *memory, const char *enterprise, const char *id,
                      apr_time_t until)
{
    whk_replay_name_t name = name_of(enterprise, id);

    whk_replay_table_give_back(memory, &name, 1, until);
}

/* Uses new ids, at most `most`, until the share is full. @return how many there was room for */
static int fill(whk_replay_table_t *memory, const char *enterprise, int most,
                apr_interval_time_t life)
{
    static int serial;
    int count;

    for (count = 0; count < most; count++) {
        whk_replay_result_t result =
            use(memory, enterprise, apr_psprintf(pool, "serial %d", serial++), life);

        if (result == WHK_REPLAY_SHARE_FULL)
            break;
        assert_int_equal(result, WHK_REPLAY_RESERVED);
    }
    apr_pool_clear(pool);
    return count;
}

static void used_once(void **state)
{
    whk_replay_table_t *memory = make(1024);

    (void)state;
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_KNOWN);
    assert_int_equal(use(memory, "acme", "b", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_KNOWN);
    /* Another enterprise, also one whose name and id run together to the same text. */
    assert_int_equal(use(memory, "globex", "a", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acm", "ea", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "", LIFE), WHK_REPLAY_RESERVED);
    unmake(memory);
}

static void several_at_once(void **state)
{
    const char *const three[] = {"a", "b", "c"};
    const char *const with_known[] = {"d", "b", "e"};
    const char *const twice[] = {"f", "f"};
    whk_replay_table_t *memory = make(1024);

    (void)state;
    assert_int_equal(use_all(memory, "acme", three, 3), WHK_REPLAY_RESERVED);
    assert_int_equal(use_all(memory, "acme", with_known, 3), WHK_REPLAY_KNOWN);
    assert_int_equal(use(memory, "acme", "c", LIFE), WHK_REPLAY_KNOWN);
    assert_int_equal(use(memory, "acme", "d", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "e", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use_all(memory, "acme", twice, 2), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "f", LIFE), WHK_REPLAY_KNOWN);
    give_back(memory, "acme", "f", now.wall + LIFE);
    assert_int_equal(use(memory, "acme", "f", LIFE), WHK_REPLAY_RESERVED);
    unmake(memory);
}

static void several_where_room_is_short(void **state)
{
    const char *const ids[] = {"1",  "2",  "3",  "4",  "5",  "6",  "7",  "8", "9",
                               "10", "11", "12", "13", "14", "15", "16", "17"};
    whk_replay_table_t *memory = make(1024);

    (void)state;
    assert_int_equal(fill(memory, "acme", 500, LIFE), 500);
    assert_int_equal(use_all(memory, "acme", ids, 17), WHK_REPLAY_SHARE_FULL);
    /* None of them was added. */
    assert_int_equal(use_all(memory, "acme", ids, 12), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "13", LIFE), WHK_REPLAY_SHARE_FULL);
    assert_int_equal(use(memory, "acme", "12", LIFE), WHK_REPLAY_KNOWN);
    unmake(memory);
}

static void given_back(void **state)
{
    whk_replay_table_t *memory = make(1024);
    int i;

    (void)state;
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_RESERVED);
    give_back(memory, "globex", "a", now.wall + LIFE);
    give_back(memory, "acme", "b", now.wall + LIFE);
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_KNOWN);
    /* That of an earlier message, which ended meanwhile, is not this one. */
    give_back(memory, "acme", "a", now.wall + LIFE - apr_time_from_sec(2));
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_KNOWN);
    give_back(memory, "acme", "a", now.wall + LIFE);
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_RESERVED);
    /* Nothing is lost on the way. */
    for (i = 0; i < 5000; i++) {
        give_back(memory, "acme", "a", now.wall + LIFE);
        assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_RESERVED);
    }
    give_back(memory, "acme", "a", now.wall + LIFE);
    assert_int_equal(fill(memory, "acme", 1024, LIFE), 512);
    unmake(memory);
}

static void entries_end(void **state)
{
    whk_replay_table_t *memory = make(1024);

    (void)state;
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_RESERVED);
    pass(LIFE);
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_KNOWN);
    pass(apr_time_from_sec(1));
    assert_int_equal(use(memory, "acme", "a", LIFE), WHK_REPLAY_RESERVED);
    pass(2 * LIFE);
    /* A full share has room again, and so has the whole. */
    assert_int_equal(fill(memory, "acme", 1024, LIFE), 512);
    pass(LIFE / 2);
    assert_int_equal(fill(memory, "acme", 1024, LIFE), 0);
    pass(LIFE / 2 + apr_time_from_sec(1));
    assert_int_equal(fill(memory, "acme", 1024, LIFE), 512);
    /* Those that live longer are not forgotten for it. */
    assert_int_equal(use(memory, "globex", "long", 10 * LIFE), WHK_REPLAY_RESERVED);
    pass(2 * LIFE);
    assert_int_equal(fill(memory, "acme", 1024, LIFE), 512);
    assert_int_equal(use(memory, "globex", "long", LIFE), WHK_REPLAY_KNOWN);
    unmake(memory);
}

/* In a memory that is too large for one sweep, what has ended is found while it is used. */
static void entries_end_in_a_large_memory(void **state)
{
    whk_replay_table_t *memory = make(100000);
    int round, i;

    (void)state;
    for (round = 0; round < 3; round++) {
        assert_int_equal(fill(memory, "acme", 100000, LIFE), 50000);
        assert_int_equal(fill(memory, "globex", 100000, LIFE), 25000);
        assert_int_equal(use(memory, "initech", "kept", 100 * LIFE),
                         round ? WHK_REPLAY_KNOWN : WHK_REPLAY_RESERVED);
        pass(LIFE + apr_time_from_sec(1));
        for (i = 0; i < 25; i++)
            use(memory, "initech", apr_psprintf(pool, "%d %d", round, i), 0);
        pass(apr_time_from_sec(2));
        for (i = 0; i < 100000 / 16; i++)
            assert_int_equal(use(memory, "initech", "kept", LIFE), WHK_REPLAY_KNOWN);
    }
    give_back(memory, "initech", "kept", START + 100 * LIFE);
    assert_int_equal(fill(memory, "acme", 100000, LIFE), 50000);
    unmake(memory);
}

static void the_wall_clock_is_set(void **state)
{
    whk_replay_table_t *memory = make(1024);

    (void)state;
    /* Back: the signature is good for longer, and so is the entry there. */
    assert_int_equal(use(memory, "acme", "back", LIFE), WHK_REPLAY_RESERVED);
    now.wall -= apr_time_from_sec(3600);
    pass(apr_time_from_sec(3600));
    assert_int_equal(use(memory, "acme", "back", LIFE), WHK_REPLAY_KNOWN);
    pass(2 * LIFE);
    assert_int_equal(use(memory, "acme", "back", LIFE), WHK_REPLAY_RESERVED);

    /* Forward, and back again: the signature was never out of its time. */
    assert_int_equal(use(memory, "acme", "forward", LIFE), WHK_REPLAY_RESERVED);
    now.wall += apr_time_from_sec(3600);
    assert_int_equal(fill(memory, "globex", 100, LIFE), 100);
    assert_int_equal(use(memory, "acme", "forward", LIFE), WHK_REPLAY_KNOWN);
    now.wall -= apr_time_from_sec(3600);
    assert_int_equal(use(memory, "acme", "forward", LIFE), WHK_REPLAY_KNOWN);

    /* Forward for good: it lives no longer than it would have. */
    now.wall += apr_time_from_sec(3600);
    pass(LIFE + apr_time_from_sec(1));
    assert_int_equal(use(memory, "acme", "forward", LIFE), WHK_REPLAY_RESERVED);
    unmake(memory);
}

static void ends_beyond_all_clocks(void **state)
{
    whk_replay_table_t *memory = make(1024);

    (void)state;
    assert_int_equal(use(memory, "acme", "late", APR_INT64_MAX - now.wall), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "past", -LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "before 1970", -now.wall - LIFE), WHK_REPLAY_RESERVED);
    pass(100000 * LIFE);
    assert_int_equal(use(memory, "acme", "late", LIFE), WHK_REPLAY_KNOWN);
    assert_int_equal(use(memory, "acme", "past", LIFE), WHK_REPLAY_RESERVED);
    assert_int_equal(use(memory, "acme", "before 1970", LIFE), WHK_REPLAY_RESERVED);
    unmake(memory);
}

/* Each of `hogs` takes what it gets, one entry after another in turn. @return the least that one
 * got */
static int fill_in_turn(whk_replay_table_t *memory, int hogs)
{
    int held[10] = {0};
    int least = INT_MAX;
    int full = 0;
    int i;

    while (full < hogs)
        for (full = 0, i = 0; i < hogs; i++) {
            char name[16];
            int got;

            snprintf(name, sizeof(name), "hog %d", i);
            got = fill(memory, name, 1, LIFE);
            held[i] += got;
            full += !got;
        }
    for (i = 0; i < hogs; i++)
        least = held[i] < least ? held[i] : least;
    return least;
}

static void shares(void **state)
{
    const struct {
        int hogs;
        int each;
        int newcomer;
    } cases[] = {{1, 6600, 3300}, {2, 4400, 2200}, {10, 1200, 600}};
    apr_size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        whk_replay_table_t *memory = make(13200);

        assert_int_equal(use(memory, "victim", "first", LIFE), WHK_REPLAY_RESERVED);
        assert_in_range(fill_in_turn(memory, cases[i].hogs), cases[i].each - 1, cases[i].each);
        assert_int_equal(use(memory, "victim", "first", LIFE), WHK_REPLAY_KNOWN);
        assert_int_equal(use(memory, "victim", "second", LIFE), WHK_REPLAY_RESERVED);
        assert_in_range(fill(memory, "newcomer", 13200, LIFE), cases[i].newcomer - 2,
                        cases[i].newcomer);
        unmake(memory);
    }
}

/* One after another, each gets half of what is left; once the first's entries end, it gets no more
 * than the others. */
static void shares_one_after_another(void **state)
{
    whk_replay_table_t *memory = make(16384);
    int i;

    (void)state;
    for (i = 0; i < 10; i++) {
        char name[16];

        snprintf(name, sizeof(name), "hog %d", i);
        assert_int_equal(fill(memory, name, 16384, LIFE + i * LIFE), 8192 >> i);
    }
    assert_int_equal(fill(memory, "newcomer", 16384, LIFE), 8);
    assert_int_equal(use(memory, "victim", "a", LIFE), WHK_REPLAY_RESERVED);
    pass(LIFE + apr_time_from_sec(1));
    assert_in_range(fill(memory, "newcomer", 16384, LIFE), 4100, 4110);
    unmake(memory);
}

static void many_small_ones(void **state)
{
    whk_replay_table_t *memory = make(16384);
    int i;

    (void)state;
    assert_int_equal(fill(memory, "hog", 16384, LIFE), 8192);
    for (i = 0; i < 8000; i++) {
        char name[16];

        snprintf(name, sizeof(name), "small %d", i);
        assert_int_equal(fill(memory, name, 1, LIFE), 1);
    }
    assert_int_equal(fill(memory, "hog", 1, LIFE), 0);
    /* To the last entry: after as many enterprises as there are entries there is no room. */
    assert_int_equal(fill(memory, "newcomer", 16384, LIFE), 96);
    for (i = 0; i < 96; i++) {
        char name[16];

        snprintf(name, sizeof(name), "last %d", i);
        assert_int_equal(fill(memory, name, 1, LIFE), 1);
    }
    assert_int_equal(fill(memory, "too late", 1, LIFE), 0);
    unmake(memory);
}

/* ---- killed inside ---- */

#define KEPT 300

typedef struct {
    pthread_mutex_t lock;
    volatile int reserved[2]; /* how many ids each child was told of */
    volatile int returned[2]; /* how many it began to give back */
} world_t;

static void lock(world_t *world)
{
    if (pthread_mutex_lock(&world->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&world->lock);
}

/* Ids by number, without a pool: a child makes many. */
static whk_replay_name_t numbered(int round, int child, int number)
{
    whk_replay_name_t name;
    apr_uint32_t parts[3] = {(apr_uint32_t)round, (apr_uint32_t)child, (apr_uint32_t)number};

    memset(&name, 0, sizeof(name));
    memcpy(name.bytes, parts, sizeof(parts));
    return name;
}

/* Reserves ids two by two without end: one that stays until it is given back, KEPT later, and one
 * that ends by itself. */
static void hammer(whk_replay_table_t *memory, world_t *world, int round, int child)
{
    whk_replay_name_t owner = numbered(round, child, -1);
    whk_replay_clock_t clock = now;
    int i;

    for (i = 0;; i++) {
        whk_replay_name_t names[2] = {numbered(round, child, 2 * i),
                                      numbered(round, child, 2 * i + 1)};

        clock.steady = now.steady + apr_time_from_sec(i / 50);
        clock.wall = now.wall + apr_time_from_sec(i / 50);
        lock(world);
        if (whk_replay_table_reserve(memory, &owner, &names[0], 1, now.wall + 1000 * LIFE,
                                     &clock) != WHK_REPLAY_RESERVED ||
            whk_replay_table_reserve(memory, &owner, &names[1], 1, clock.wall, &clock) !=
                WHK_REPLAY_RESERVED)
            _exit(1);
        world->reserved[child] = i + 1;
        pthread_mutex_unlock(&world->lock);
        if (i < KEPT)
            continue;
        names[0] = numbered(round, child, 2 * (i - KEPT));
        lock(world);
        world->returned[child] = i - KEPT + 1;
        whk_replay_table_give_back(memory, names, 1, now.wall + 1000 * LIFE);
        pthread_mutex_unlock(&world->lock);
    }
}

static void kill_both(const pid_t *children)
{
    int i, status;

    for (i = 0; i < 2; i++)
        kill(children[i], SIGKILL);
    for (i = 0; i < 2; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

/* What the children were told is so, and nothing else is in the way. */
static void check_what_is_left(whk_replay_table_t *memory, world_t *world, int round)
{
    whk_replay_name_t stranger = numbered(round, 3, -1);
    int child, i;

    lock(world);
    for (child = 0; child < 2; child++) {
        whk_replay_name_t owner = numbered(round, child, -1);

        for (i = world->returned[child]; i < world->reserved[child]; i++) {
            whk_replay_name_t name = numbered(round, child, 2 * i);

            assert_int_equal(whk_replay_table_reserve(memory, &owner, &name, 1, now.wall, &now),
                             WHK_REPLAY_KNOWN);
        }
    }
    /* All ends: then one alone gets its half to the last entry. */
    pass(2000 * LIFE);
    for (i = 0; i <= 2048; i++) {
        whk_replay_name_t name = numbered(round, 3, i);

        assert_int_equal(whk_replay_table_reserve(memory, &stranger, &name, 1, now.wall, &now),
                         i < 2048 ? WHK_REPLAY_RESERVED : WHK_REPLAY_SHARE_FULL);
    }
    pthread_mutex_unlock(&world->lock);
}

static void killed_inside(void **state)
{
    whk_replay_table_t *memory = make(4096);
    world_t *world = share(sizeof(*world));
    pthread_mutexattr_t attributes;
    pid_t children[2];
    int round, i;

    (void)state;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&world->lock, &attributes);
    /* A chain without an end would never come back. */
    alarm(300);
    for (round = 0; round < KILLS; round++) {
        memset((void *)world->reserved, 0, sizeof(world->reserved));
        memset((void *)world->returned, 0, sizeof(world->returned));
        for (i = 0; i < 2; i++) {
            children[i] = fork();
            if (!children[i])
                hammer(memory, world, round, i);
        }
        while (!world->reserved[0] && !world->reserved[1])
            usleep(50);
        usleep((useconds_t)(rand() % 3000));
        kill_both(children);
        check_what_is_left(memory, world, round);
        /* So that the next round finds nothing of this one. */
        pass(LIFE);
        assert_int_equal(fill(memory, "sweeper", 1, 0), 1);
    }
    alarm(0);
    munmap(world, sizeof(*world));
    unmake(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(used_once),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(several_where_room_is_short),
        cmocka_unit_test(given_back),
        cmocka_unit_test(entries_end),
        cmocka_unit_test(entries_end_in_a_large_memory),
        cmocka_unit_test(the_wall_clock_is_set),
        cmocka_unit_test(ends_beyond_all_clocks),
        cmocka_unit_test(shares),
        cmocka_unit_test(shares_one_after_another),
        cmocka_unit_test(many_small_ones),
        cmocka_unit_test(killed_inside),
    };
    int failed;

    cmocka_set_message_output(CM_OUTPUT_TAP);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
